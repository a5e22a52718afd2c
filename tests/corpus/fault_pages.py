"""Faulty WARC and WET files, responses of servers, and HTML."""

import gzip
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

from fault import (
    BROKEN_PAGE,
    CUT_WARC,
    EMPTY,
    HTTP,
    MEGA,
    NO_MAIN,
    NO_PAGE,
    NO_RECORDS,
    PARAGRAPH,
    RECORD,
    SLOW,
    UNKNOWN,
    Fault,
    answer,
    data,
    html,
    record,
)


def archive_faults() -> Iterator[Fault]:
    good, block = record("conversion", b"a good record"), b"a record whose length is wrong"
    lengths = {"too-long": 40, "much-too-long": 10**6, "huge": 10**18, "too-short": 5, "zero": 0, "negative": -5, "word": "many",
               "empty": "", "hex": "0x1e", "float": "30.0", "digits-of-others": "３０", "thousand-digits": "9" * 1000,
               "plus": "+30", "two": "30, 30"}
    for name, length in lengths.items():
        content = good + record("conversion", block, length) + good + good
        yield Fault(f"length-{name}.wet", "WARC lengths", data(content), 3, (RECORD,))
        yield Fault(f"length-{name}-last.wet", "WARC lengths", data(good + good + record("conversion", block, length)), 2,
                    (RECORD, CUT_WARC), either=True)
    heads = {
        "no-length": b"WARC/1.0\r\nWARC-Type: conversion\r\n\r\ntext\r\n\r\n",
        "no-type": b"WARC/1.0\r\nContent-Length: 4\r\n\r\ntext\r\n\r\n",
        "no-blank-line": b"WARC/1.0\r\nWARC-Type: conversion\r\nContent-Length: 4\r\n",
        "colonless": b"WARC/1.0\r\n" + b"no colon here\r\n" * 50 + b"\r\n",
        "endless": b"WARC/1.0\r\n" + b"X-Header: a\r\n" * 200_000 + b"\r\n",
        "one-long-header": b"WARC/1.0\r\nX: " + b"a" * 5 * MEGA + b"\r\n\r\n",
        "nul-header": b"WARC/1.0\r\nWARC-Type: \0\0\r\nContent-Length: 4\r\n\r\ntext\r\n\r\n",
        "begun-twice": b"WARC/1.0\r\nWARC/1.0\r\n\r\n",
    }
    for name, head in heads.items():
        yield Fault(f"head-{name}.wet", "WARC headers", data(good + head + good), -1, ("", RECORD), either=True)
    yield Fault("between.wet", "WARC headers", data(good + b"some lines\r\nof others\r\n" * 9 + good), -1, ("", RECORD),
                either=True)
    yield Fault("newlines-between.wet", "WARC headers", data(good + b"\r\n" * 20_000 + good), 1, (RECORD,))
    yield Fault("no-records.wet", "WARC headers", data(b"just text\n" * 100), 0, (NO_RECORDS,))
    yield Fault("not-wet.warc", "WARC headers", data(bytes(range(256)) * 100), 0, (NO_RECORDS,))
    yield Fault("cut.wet", "WARC lengths", data(good + good[:-10]), 1, (CUT_WARC,))
    yield Fault("record-in-record.wet", "WARC lengths", data(good + record("conversion", good + good, 10**5) + good), -1,
                ("", RECORD), either=True)
    yield Fault("nul-block.wet", "WARC records", data(good + record("conversion", b"a\0" * 99) + good), 2, (NO_PAGE,))
    yield Fault("blank-block.wet", "WARC records", data(good + record("conversion", b" \r\n ") + good), 2, ("empty page",))
    yield Fault("bad-utf-8.wet", "WARC records",
                data(good + record("conversion", b"\xff\xfe\xed\xa0" * 9 + b"\x81\x8d") + good), -1,
                ("", UNKNOWN, NO_PAGE), either=True)
    page = answer(html())
    chunk = html()
    chunked = "Transfer-Encoding: chunked\r\n"
    wraps: dict[str, tuple[bytes, str | None]] = {
        "chunk-too-long": (answer(b"FFFFFF\r\n" + chunk + b"\r\n0\r\n\r\n", chunked), None),
        "chunk-huge": (answer(b"FFFFFFFFFFFFFFF\r\n" + chunk, chunked), None),
        "chunk-not-hex": (answer(b"xyz\r\n" + chunk + b"\r\n0\r\n\r\n", chunked), None),
        "chunk-negative": (answer(b"-5\r\n" + chunk, chunked), None),
        "chunk-cut": (answer(b"%x\r\n" % len(chunk) + chunk[:-30], chunked), None),
        "chunks-of-1": (answer(b"".join(b"1\r\n%c\r\n" % byte for byte in chunk) + b"0\r\n\r\n", chunked), None),
        "not-chunked": (answer(chunk, chunked), None),
        "gzip-broken": (answer(gzip.compress(chunk)[:40] + b"x" * 90, "Content-Encoding: gzip\r\n"), HTTP),
        "not-gzip": (answer(chunk, "Content-Encoding: gzip\r\n"), None),
        "deflate-broken": (answer(b"\x78\x9c" + b"\xff" * 50, "Content-Encoding: deflate\r\n"), HTTP),
        "br-broken": (answer(b"\xff" * 50, "Content-Encoding: br\r\n"), HTTP),
        "gzip-100-times": (answer(chunk, "Content-Encoding: " + ", ".join(["gzip"] * 100) + "\r\n"), None),
        "no-status": (answer(chunk, status="HELLO"), HTTP),
        "status-letters": (answer(chunk, status="HTTP/1.1 abc"), HTTP),
        "no-head-end": (record("response", b"HTTP/1.1 200 OK", content_type="application/http"), HTTP),
        "spaces-in-status": (answer(chunk, status="HTTP/1.1" + " " * 200_000 + "200 OK"), None),
        "header-300-kB": (answer(chunk, "X: " + "a" * 300_000 + "\r\n"), HTTP),
        "charset-unknown": (answer(chunk, content_type="text/html; charset=klingon"), None),
        "charset-rot13": (answer(chunk, content_type="text/html; charset=rot13"), None),
        "charset-utf-7": (answer(chunk, content_type="text/html; charset=utf-7"), None),
        "charset-wrong": (answer(html("<p>这是一段足够长的中文文字，" * 30), content_type="text/html; charset=utf-16"), None),
        "empty-body": (answer(b""), "empty page"),
        "error-500": (answer(chunk, status="HTTP/1.1 500 Oops"), "HTTP status not 200"),
        "picture": (answer(b"\x89PNG\r\n\x1a\n\0\0", content_type="image/png"), NO_PAGE),
    }
    for name, (middle, reason) in wraps.items():
        yield Fault(f"{name}.warc", "HTTP in WARC", data(page + middle + page), 3 if reason is None else 2,
                    (reason,) if reason else ())
    yield Fault("chunks-of-1-great.warc", "HTTP in WARC", partial(_small_chunks, page), -1,
                ("", NO_MAIN, SLOW, BROKEN_PAGE), either=True, heavy=True)


def _small_chunks(page: bytes, path: Path) -> None:
    path.write_bytes(page + answer(b"1\r\na\r\n" * (3 * MEGA), "Transfer-Encoding: chunked\r\n") + page)


@cache
def pages() -> dict[str, tuple[bytes, bool]]:
    """Pages that break parsers, by name; and whether they are great."""
    text = f"<p>{PARAGRAPH}</p>"
    return {
        "nested-divs": (html("<div>" * 100_000 + text + "</div>" * 100_000), True),
        "nested-tables": (html("<table><tr><td>" * 100_000 + text), True),
        "nested-spans": (html("<span>" * 100_000 + text), True),
        "nested-fonts": (html(text + "<b><i><font>" * 30_000 + "a"), True),
        "nested-lists": (html("<ul><li>" * 50_000 + text), True),
        "nested-blockquotes": (html("<blockquote>" * 100_000 + text), True),
        "nested-svg": (html("<svg><g>" * 50_000 + text), True),
        "nested-forms": (html("<form><select><option>" * 30_000 + text), True),
        "wrong-order": (html("<p><b><i>" * 20_000 + "</p></b></i>" * 20_000 + text), True),
        "never-closed": (html(text)[:-60] + b"<div class='", False),
        "attribute-5-MB": (html(f'<div title="{"a" * 5 * MEGA}">{text}</div>'), True),
        "attribute-never-closed": (html(text) + b'<a href="' + b"b" * MEGA, False),
        "200000-attributes": (html("<div " + " ".join(f"a{number}=1" for number in range(200_000)) + f">{text}</div>"), True),
        "entities": (html("<p>" + "&amp;lt;&#x41;&bogus;&#99999999;&#xD800;&#0;" * 20_000 + "</p>" + text), False),
        "entity-bomb": (b'<?xml version="1.0"?><!DOCTYPE html [<!ENTITY a0 "lol">' + b"".join(
            b'<!ENTITY a%d "%s">' % (level, b"&a%d;" % (level - 1) * 10) for level in range(1, 12)) + b"]><html><body><p>&a11;</p>"
            + text.encode() + b"</body></html>", False),
        "entity-file": (b'<?xml version="1.0"?><!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]><html><body><p>&x;</p>'
                        + text.encode() + b"</body></html>", False),
        "script-5-MB": (html("<script>" + "var a = '<p>';" * 350_000 + "</script>" + text), True),
        "script-never-closed": (html(text + "<script>" + "a" * MEGA), False),
        "comment-never-closed": (html(text + "<!--" + "-" * MEGA), False),
        "comments": (html("<!-- -->" * 100_000 + text), False),
        "cdata": (html("<![CDATA[" * 50_000 + text), False),
        "less-thans": (html("<" * MEGA + text), False),
        "ampersands": (html("&" * MEGA + text), False),
        "quotes": (html(text + "<a " + "\"'" * 200_000), False),
        "nul-bytes": (html(text).replace(b"paragraph", b"para\0graph"), False),
        "million-paragraphs": (html("<p>a" * 300_000), True),
        "million-breaks": (html(text + "<br>" * 500_000), True),
        "one-line-of-tags": (b"<html>" + b"<>" * 500_000 + text.encode(), False),
        "template": (html("<template>" * 50_000 + text), True),
        "frames": (html("<frameset><frame>" * 20_000 + text), False),
        "long-tag-name": (html(f"<{'a' * MEGA}>" + text), False),
        "data-url": (html(f'<img src="data:image/png;base64,{"QUJD" * 1_000_000}">' + text), True),
        "styles": (html("<style>" + "a{b:c}" * 300_000 + "</style>" + text), False),
        "bidi-and-joiners": (html("<p>" + "\u202e\u200d\u0301" * 100_000 + "</p>" + text), False),
        "meta-charset-lies": (html(text).replace(b"<title>", b"<meta charset=utf-16><title>"), False),
        "lone-surrogates": (html(text).replace(b"paragraph", b"para\xed\xa0\x80graph"), False),
    }


def page_faults() -> Iterator[Fault]:
    for extract in ("resiliparse", "trafilatura"):
        for name, (content, heavy) in pages().items():
            yield Fault(f"{name}.html", "HTML", data(content), -1, ("", NO_MAIN, SLOW, BROKEN_PAGE), either=True, heavy=heavy,
                        extract=extract)
    for name, content, reason in (("only-tags", html("<p></p>" * 99), NO_MAIN), ("spaces", b"<html>" + b" " * MEGA, NO_MAIN),
                                  ("nothing", b"", EMPTY)):
        yield Fault(f"{name}.html", "HTML", data(content), 0, (reason,))
