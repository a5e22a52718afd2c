"""Faulty files, always the same ones: what a crawl, a full disk, a careless program or an enemy makes of text, tables and archives.

Each `Fault` says what has to come of it: how many texts are still read, and for what else which reason is counted. The list is
made from small pieces (formats, packings, places of the damage), so that a format or a packing more is one line here.
"""

import bz2
import gzip
import json
import os
import random
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

MEGA = 1_000_000
BIG = 50 * MEGA
"""Bytes of the great ones."""
PACKINGS = {".gz": "gzip", ".bz2": "bzip2", ".zst": "zstd"}
EMPTY, BINARY, TOO_LARGE, NOT_JSON = "empty file", "binary", "larger than a document may be", "not JSON"
NO_TEXT, ROW, UNKNOWN, BOMB = "no text column", "broken CSV row", "unknown encoding", "decompression bomb"
RECORD, CUT_WARC, NO_RECORDS = "damaged WARC record", "truncated WARC", "no WARC records"
NO_PAGE, NO_MAIN, SLOW, BROKEN_PAGE, HTTP = "no page", "no main text", "extraction took too long", "extraction failed", \
    "broken HTTP response"
PARQUET = "damaged Parquet"
Write = Callable[[Path], object]


@dataclass(frozen=True)
class Fault:
    """One faulty file."""

    name: str
    """Of the file, below its kind's folder."""
    kind: str
    """What it is an example of: a row of the benchmark's table."""
    write: Write
    """Makes it at a path."""
    texts: int = 0
    """Documents that are still read from it."""
    reasons: tuple[str, ...] = ()
    """Reasons counted, one for each file or record that is lost."""
    either: bool = False
    """Whether some of `reasons` are counted, and not all: where a parser of others may fail in several ways or, if one of them is
    empty, not at all."""
    heavy: bool = False
    """Whether it is tens of megabytes or takes seconds by its nature."""
    extract: str | None = "resiliparse"
    """How its source extracts pages."""

    @property
    def relative(self) -> str:
        """Its path below the folder of all faults; each extractor has a folder of its own, for it is a source."""
        return f"{self.extract or 'plain'}/{self.kind.replace(' ', '-')}/{self.name}"


def data(content: bytes) -> Write:
    return lambda path: path.write_bytes(content)


def repeated(content: bytes, times: int, before: bytes = b"", after: bytes = b"") -> Write:
    """What is great is made when it is written."""
    return lambda path: path.write_bytes(before + content * times + after)


@cache
def rows(count: int = 1500) -> tuple[str, ...]:
    """Texts that compress badly, so that a place in the middle of the packed file is in the middle of the rows."""
    draw = random.Random(11)
    return tuple(f"row {number}: " + " ".join(draw.randbytes(4).hex() for _ in range(24)) for number in range(count))


def record(kind: str, block: bytes, length: object = None, headers: str = "", content_type: str = "text/plain") -> bytes:
    """A WARC record; `length` is what it says of itself."""
    size = len(block) if length is None else length
    return (f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: http://a.example/1\r\nContent-Type: {content_type}\r\n{headers}"
            f"Content-Length: {size}\r\n\r\n").encode() + block + b"\r\n\r\n"


PARAGRAPH = "This is a paragraph of a page with enough words in it to be taken for the main text by any extractor. " * 4


def html(body: str = f"<p>{PARAGRAPH}</p>") -> bytes:
    return f"<!doctype html><html><head><title>t</title></head><body><article>{body}</article></body></html>".encode()


def answer(body: bytes, headers: str = "", status: str = "HTTP/1.1 200 OK", content_type: str = "text/html") -> bytes:
    """A record with the response of a server."""
    block = f"{status}\r\nContent-Type: {content_type}\r\n{headers}\r\n".encode() + body
    return record("response", block, content_type="application/http; msgtype=response")


@cache
def whole(ending: str, count: int = 1500) -> bytes:
    """A good file of a format."""
    if ending == ".jsonl":
        return "".join(json.dumps({"text": row}) + "\n" for row in rows(count)).encode()
    if ending == ".csv":
        return "".join(["id,text\n", *(f'{number},"{row}"\n' for number, row in enumerate(rows(count)))]).encode()
    if ending == ".wet":
        return b"".join(record("conversion", row.encode()) for row in rows(count))
    if ending == ".warc":
        return b"".join(answer(html(f"<p>{row}</p>")) for row in rows(count // 10))
    if ending == ".html":
        return html("".join(f"<p>{row}</p>" for row in rows(count)))
    return "\n".join(rows(count)).encode()


@cache
def pack(content: bytes, packing: str) -> bytes:
    if packing == ".gz":
        return gzip.compress(content, mtime=0)
    return bz2.compress(content) if packing == ".bz2" else zstandard.ZstdCompressor(write_checksum=True).compress(content)


def unpacked_prefix(content: bytes, packing: str) -> bytes:
    """What any program can get of a cut file."""
    if packing == ".gz":
        return zlib.decompressobj(31).decompress(content)
    unpacker = bz2.BZ2Decompressor() if packing == ".bz2" else zstandard.ZstdDecompressor().decompressobj()
    return unpacker.decompress(content) if content else b""


def texts_before(ending: str, found: bytes) -> int:
    """How many documents are whole in the beginning of a file of `whole`."""
    if ending == ".jsonl":
        return found.count(b"\n")
    if ending == ".csv":
        return max(0, found.count(b"\n") - 1)
    if ending == ".wet" or ending == ".warc":  # a record is known to be whole when another one begins after it
        return max(0, found.count(b"WARC/1.0\r\n") - 1)
    return 0


# Packed files --------------------------------------------------------------------------------------------------------------------

def packed_faults() -> Iterator[Fault]:
    for ending in (".txt", ".md", ".jsonl", ".csv", ".html", ".warc", ".wet"):
        for packing, program in PACKINGS.items():
            content = pack(whole(ending), packing)
            for place in (0.02, 0.5, 0.9):
                cut = content[: int(len(content) * place)]
                yield Fault(f"cut-{place}{ending}{packing}", f"truncated {program}", data(cut),
                            texts_before(ending, unpacked_prefix(cut, packing)), (f"truncated {program}",))
            yield Fault(f"cut-head{ending}{packing}", f"truncated {program}", data(content[:6]), 0, (f"truncated {program}",))
            for name, place in (("head", 2), ("middle", len(content) // 2), ("end", len(content) - 3)):
                damaged = bytearray(content)
                damaged[place] ^= 0x55
                # Checksums come behind what they are of: rows that follow the damage may be rubbish before it is noticed.
                rubbish = (NOT_JSON, ROW, NO_TEXT, UNKNOWN, RECORD) if name == "middle" else ()
                yield Fault(f"damaged-{name}{ending}{packing}", f"damaged {program}", data(bytes(damaged)), -1,
                            (f"damaged {program}", f"truncated {program}", *rubbish), either=True)
            yield Fault(f"nothing{ending}{packing}", "empty", data(b""), 0, ("truncated bzip2" if packing == ".bz2" else EMPTY,))
            yield Fault(f"other{ending}{packing}", f"damaged {program}", data(b"this was never packed " * 40), 0, (f"damaged {program}",))
        yield Fault(f"after{ending}.gz", "damaged gzip", data(pack(whole(ending, 50), ".gz") + b"and then some"), -1, ("damaged gzip",))
    for packing, program in PACKINGS.items():
        for ending, reasons in ((".txt", (TOO_LARGE,)), (".jsonl", (TOO_LARGE, BOMB)), (".csv", (TOO_LARGE, BOMB, NO_TEXT)),
                                (".wet", (BOMB, NO_RECORDS)), (".html", (TOO_LARGE,))):
            yield Fault(f"bomb{ending}{packing}", f"{program} bomb", partial(_bomb, b"a", packing, 100), 0, reasons, either=True,
                        heavy=True)
        yield Fault(f"nul.txt{packing}", f"{program} bomb", partial(_bomb, b"\0", packing, 100), 0, (BINARY,))
        yield Fault(f"lines.jsonl{packing}", f"{program} bomb", partial(_bomb, b'{"text": "%s"}\n' % (b" " * MEGA), packing, 100),
                    -1, (BOMB,), heavy=True)
        yield Fault(f"nested.txt{packing}", f"{program} bomb", partial(_nested, packing), 0, (BINARY, UNKNOWN), either=True)
    for packing, coding in ((".gz", "gzip"), (".zst", "zstd")):
        yield Fault(f"response-{coding}.warc", "bomb in WARC", partial(_bomb_in_response, packing, coding), 2, (TOO_LARGE,), heavy=True)


def _bomb(content: bytes, packing: str, times: int, path: Path) -> None:
    """Twenty megabytes, packed once, so many times: all three packings may have many parts."""
    path.write_bytes(pack(content * (20 * MEGA // len(content)), packing) * times)


def _nested(packing: str, path: Path) -> None:
    path.write_bytes(pack(pack(pack(b"a" * 20 * MEGA, packing) * 100, packing), packing))


def _bomb_in_response(packing: str, coding: str, path: Path) -> None:
    body = pack(b"<p>" + b"a" * 500 * MEGA, packing)
    path.write_bytes(answer(html()) + answer(body, f"Content-Encoding: {coding}\r\n") + answer(html()))


# Rows ----------------------------------------------------------------------------------------------------------------------------

GOOD_LINE = b'{"text": "a good line"}'
LINES: dict[str, tuple[bytes, str | None]] = {  # a line, and why it is lost, or None where it is a document all the same
    "half": (b'{"text": "broken in the mi', NOT_JSON),
    "open-string": (b'{"text": "never closed}', NOT_JSON),
    "two-objects": (b'{"text": "a"} {"text": "b"}', NOT_JSON),
    "trailing-comma": (b'{"text": "a",}', NOT_JSON),
    "single-quotes": (b"{'text': 'a'}", NOT_JSON),
    "deep-lists": (b"[" * 100_000 + b"]" * 100_000, NOT_JSON),
    "deep-open": (b"[" * 100_000, NOT_JSON),
    "deep-objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, NOT_JSON),
    "deep-metadata": (b'{"text": "a", "note": ' + b"[" * 900 + b"]" * 900 + b"}", None),
    "nan": (b'{"text": "a", "note": NaN}', None),
    "infinity": (b'{"text": "a", "note": -Infinity}', None),
    "number-1e999": (b'{"text": "a", "note": 1e999}', None),
    "huge-integer": (b'{"text": "a", "note": ' + b"9" * 4_000 + b"}", None),
    "too-huge-integer": (b'{"text": "a", "note": ' + b"9" * 100_000 + b"}", NOT_JSON),
    "nan-text": (b'{"text": NaN}', NO_TEXT),
    "number-text": (b'{"text": 5}', NO_TEXT),
    "list-text": (b'{"text": ["a"]}', NO_TEXT),
    "object-text": (b'{"text": {"text": "a"}}', NO_TEXT),
    "null-text": (b'{"text": null}', NO_TEXT),
    "true-text": (b'{"text": true}', NO_TEXT),
    "no-text": (b'{"body": "a"}', NO_TEXT),
    "null": (b"null", NO_TEXT),
    "number": (b"17", NO_TEXT),
    "list": (b'["a"]', NO_TEXT),
    "string": (b'"a"', NO_TEXT),
    "twice": (b'{"text": "a", "text": 7, "text": "b"}', None),
    "twice-other": (b'{"text": "a", "text": 7}', NO_TEXT),
    "high-surrogate": (b'{"text": "a \\ud800 b"}', None),
    "low-surrogate": (b'{"text": "a \\udfff b"}', None),
    "swapped-surrogates": (b'{"text": "\\udc00\\ud800", "url": "\\ud800", "note": "\\udfff"}', None),
    "surrogate-key": (b'{"text": "a", "note": {"\\ud800": "\\udbff"}}', None),
    "bad-escape": (b'{"text": "\\x41"}', NOT_JSON),
    "half-escape": (b'{"text": "\\u12"}', NOT_JSON),
    "nul-escape": (b'{"text": "a\\u0000b"}', None),
    "only-nul-escape": (b'{"text": "\\u0000"}', None),
    "raw-control": (b'{"text": "a\x01b"}', NOT_JSON),
    "raw-nul": (b'{"text": "a\0b"}', NOT_JSON),
    "nul-run": (b"\0" * 10_000, NOT_JSON),
    "wtf-8": (b'{"text": "a \xed\xa0\x80 b"}', UNKNOWN),
    "utf-8-overlong": (b'{"text": "a \xc0\xaf b"}', UNKNOWN),
    "utf-8-lone-tail": (b'{"text": "\xa4\xb8\xad\xe6"}', UNKNOWN),
    "utf-8-too-high": (b'{"text": "\xf4\x90\x80\x80"}', UNKNOWN),
    "gbk-line": ('{"text": "这是一段中文文字"}'.encode("gbk"), None),
    "byte-order-mark": (b'\xef\xbb\xbf{"text": "a"}', None),
    "utf-16-line": ('{"text": "a"}'.encode("utf-16"), UNKNOWN),
    "long-url": (b'{"text": "a", "url": "http://' + b"a" * MEGA + b'"}', None),
    "odd-types": (b'{"text": "a", "url": {"b": [1, null]}, "note": {"c": [NaN]}}', None),
    "million-keys": (b'{"text": "a", ' + b", ".join(b'"k%d": 1' % number for number in range(100_000)) + b"}", None),
    "empty-text": (b'{"text": ""}', None),
    "blank-text": (b'{"text": " \\t\\n\\u00a0"}', None),
    "escapes": (b'{"text": "' + b"\\n\\u0301\\\\" * 20_000 + b'"}', None),
    "carriage-return": (b'{"text":\r"a"}', None),
}
CSV_ROWS: dict[str, tuple[bytes, tuple[str, ...], int]] = {  # rows between good ones, what is lost, and texts of their own
    "unclosed": (b'5,"never closed\n', (ROW,), 0),
    "unclosed-often": (b'5,"never closed\n' * 31, (ROW,), 15),  # each second one closes what the one before opened
    "ragged-short": (b"5\n", (ROW,), 0),
    "ragged-long": (b"5,a,b,c\n", (ROW,), 0),
    "stray-quote": (b'5,a"b"c\n', (), 1),
    "after-quote": (b'5,"a"b\n', (), 1),
    "wtf-8": (b"5,\xed\xa0\x80\n", (UNKNOWN,), 0),
    "commas": (b"," * 1_000_000 + b"\n", (ROW,), 0),
    "quotes": (b'5,"' + b'""' * 500_000 + b'"\n', (), 1),
    "lonely-quotes": (b'"\n', (ROW,), 0),
    "carriage-returns": (b"5,a\r6,b\n", (ROW,), 0),
    "blank": (b"\n\r\n\n", (), 0),
    "newlines-in-field": (b'5,"a\nb\n\nc"\n', (), 1),
    "huge-number": (b"9" * 5_000 + b",a\n", (), 1),
}


def row_faults() -> Iterator[Fault]:
    for name, (line, reason) in LINES.items():
        content = b"\n".join([GOOD_LINE, GOOD_LINE, line, GOOD_LINE, b""])
        yield Fault(f"{name}.jsonl", "JSON lines", data(content), 3 + (reason is None), (reason,) if reason else ())
    for ending in (b"", b"\r\n", b"\r"):
        yield Fault(f"line-ends-{ending.hex()}.jsonl", "JSON lines", data(ending.join([GOOD_LINE] * 3)),
                    3 if ending == b"\r\n" else 0, () if ending == b"\r\n" else (NOT_JSON,))
    yield Fault("all-one-list.jsonl", "JSON lines", data(json.dumps([{"text": "a"}] * 9).encode()), 0, (NO_TEXT,))
    yield Fault("pretty.jsonl", "JSON lines", data(json.dumps({"text": "a"}, indent=1).encode()), 0, (NOT_JSON,) * 3)
    yield Fault("binary.jsonl", "JSON lines", data(random.Random(3).randbytes(5000).replace(b"\n", b"") + b"\n"), 0,
                (UNKNOWN, NOT_JSON), either=True)
    yield Fault("newlines.jsonl", "JSON lines", data(b"\n" * MEGA + GOOD_LINE), 1)
    yield Fault("50-MB-line.jsonl", "50 MB of one thing", repeated(b"a", BIG, b'{"text": "', b'"}\n' + GOOD_LINE), 2, heavy=True)
    yield Fault("110-MB-line.jsonl", "50 MB of one thing", repeated(b"a", 110 * MEGA, GOOD_LINE + b'\n{"text": "', b'"}\n' + GOOD_LINE), 2,
                (TOO_LARGE,), heavy=True)
    yield Fault("surrogates.jsonl", "50 MB of one thing", repeated(b"\\ud800", BIG // 6, b'{"text": "', b'"}\n' + GOOD_LINE), 2,
                heavy=True)
    for name, (row, reasons, own) in CSV_ROWS.items():
        texts = -1 if own < 0 else 4 + own
        yield Fault(f"{name}.csv", "CSV", data(b"id,text\n1,one\n2,two\n" + row + b"3,three\n4,four\n"), texts, reasons)
    yield Fault("no-header.csv", "CSV", data(b"1,one\n2,two\n"), 0, (NO_TEXT,))
    yield Fault("only-header.csv", "CSV", data(b"id,text\n"), 0, (EMPTY,))
    yield Fault("unclosed-header.csv", "CSV", data(b'id,"text\n1,one\n'), 0, (ROW,))
    yield Fault("two-texts.csv", "CSV", data(b"text,text\none,two\n"), 1)
    yield Fault("utf-16.csv", "CSV", data("id,text\n1,one\n".encode("utf-16")), 0, (UNKNOWN,))
    yield Fault("nul.csv", "CSV", data(b"id,text\n1,one\n2,a\0b\n"), 0, (BINARY,))
    yield Fault("nul-late.csv", "CSV", data(b"id,text\n" + b"1,one\n" * 5_000 + b"2,a\0b\n3,\0\0\n"), 5_002)
    yield Fault("nul-header.csv", "CSV", data(b"id,te\0xt\n1,one\n"), 0, (BINARY,))
    yield Fault("50-MB-field.csv", "50 MB of one thing", repeated(b"a", BIG, b'id,text\n1,"', b'"\n2,two\n'), 2, heavy=True)
    yield Fault("50-MB-unclosed.csv", "50 MB of one thing", repeated(b"a line\n", BIG // 7, b'id,text\n1,"', b"2,two\n"), 1,
                (ROW,) * (1 + BIG // 7), heavy=True)


# Parquet -------------------------------------------------------------------------------------------------------------------------

def table_bytes(columns: dict[str, pa.Array], **options: object) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, **options)
    return sink.getvalue().to_pybytes()


def bad_utf8() -> pa.Array:
    """Strings of which the second is no UTF-8."""
    found: pa.Array = pa.array([b"one", b"\xff\xfe\xed\xa0\x80", b"three"], pa.binary()).view(pa.string())
    return found


def parquet_faults() -> Iterator[Fault]:
    good = table_bytes({"text": pa.array(rows(900)), "url": pa.array(["u"] * 900)}, row_group_size=100, use_dictionary=False,
                       compression="none", write_page_checksum=True)
    for place in (0.1, 0.5, 0.99):
        yield Fault(f"cut-{place}.parquet", "Parquet", data(good[: int(len(good) * place)]), 0, (PARQUET,))
    for name, place in (("magic", len(good) - 2), ("footer-size", len(good) - 7), ("footer", len(good) - 200)):
        damaged = bytearray(good)
        damaged[place] ^= 0x7F
        yield Fault(f"damaged-{name}.parquet", "Parquet", data(bytes(damaged)), -1, ("", PARQUET), either=True)
    for name, place in (("first-page", 20), ("a-page", len(good) // 2)):
        damaged = bytearray(good)
        damaged[place:place + 40] = b"\xff" * 40
        yield Fault(f"damaged-{name}.parquet", "Parquet", data(bytes(damaged)), -1, ("", PARQUET, UNKNOWN), either=True)
    footer = struct.pack("<I", 0x7FFFFFF0) + b"PAR1"
    yield Fault("footer-2-GB.parquet", "Parquet", data(good[:-8] + footer), 0, (PARQUET,))
    yield Fault("only-magic.parquet", "Parquet", data(b"PAR1PAR1"), 0, (PARQUET,))
    yield Fault("zeros.parquet", "Parquet", data(bytes(5000)), 0, (PARQUET,))
    yield Fault("nothing.parquet", "empty", data(b""), 0, (PARQUET, EMPTY), either=True)
    yield Fault("is-text.parquet", "Parquet", data(b"just text " * 100), 0, (PARQUET,))
    yield Fault("no-rows.parquet", "Parquet", data(table_bytes({"text": pa.array([], pa.string())})), 0, (EMPTY, ""), either=True)
    types: dict[str, tuple[pa.Array, int]] = {
        "numbers": (pa.array([1, 2, 3]), 0), "binary": (pa.array([b"one", b"two", b"three"]), 0),
        "lists": (pa.array([["a"], ["b"], None]), 0), "structs": (pa.array([{"a": "b"}] * 3), 0), "nulls": (pa.nulls(3), 0),
        "some-nulls": (pa.array(["one", None, "three"]), 2), "dictionary": (pa.array(["a"] * 3).dictionary_encode(), 3),
        "times": (pa.array([2**62, -(2**62), 0], pa.timestamp("us")), 0), "invalid-utf-8": (bad_utf8(), 2)}
    for name, (column, texts) in types.items():
        reason = UNKNOWN if name == "invalid-utf-8" else NO_TEXT
        yield Fault(f"{name}.parquet", "Parquet", data(table_bytes({"text": column, "note": column})), texts, (reason,) * (3 - texts))
    other = {"text": pa.array(["one", "two", "three"]), "url": pa.array([2**62, -(2**62), 0], pa.timestamp("us")), "note": bad_utf8()}
    yield Fault("odd-metadata.parquet", "Parquet", data(table_bytes(other)), 3)
    yield Fault("no-text.parquet", "Parquet", data(table_bytes({"body": pa.array(["a"])})), 0, (NO_TEXT,))
    wide = {f"c{number}": pa.array([1]) for number in range(2000)} | {"text": pa.array(["one"])}
    yield Fault("2000-columns.parquet", "Parquet", data(table_bytes(wide)), 1)
    yield Fault("repeated-1-MB-text.parquet", "Parquet bomb", partial(_parquet_bomb, MEGA, 300), 300, heavy=True)
    yield Fault("120-MB-text.parquet", "Parquet bomb", partial(_parquet_bomb, 120 * MEGA, 1), 0, (TOO_LARGE,), heavy=True)


def _parquet_bomb(size: int, times: int, path: Path) -> None:
    text = pa.array(["a" * size]).take(pa.array([0] * times))
    path.write_bytes(table_bytes({"text": text}, compression="zstd", use_dictionary=times > 1))


# Web archives and pages ----------------------------------------------------------------------------------------------------------

def archive_faults() -> Iterator[Fault]:
    good, block = record("conversion", b"a good record"), b"a record whose length is wrong"
    lengths = {"too-long": 40, "much-too-long": 10**6, "huge": 10**18, "too-short": 5, "zero": 0, "negative": -5, "word": "many",
               "empty": "", "hex": "0x1e", "float": "30.0", "digits-of-others": "３０", "thousand-digits": "9" * 1000, "plus": "+30",
               "two": "30, 30"}
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
    yield Fault("between.wet", "WARC headers", data(good + b"some lines\r\nof others\r\n" * 9 + good), -1, ("", RECORD), either=True)
    yield Fault("newlines-between.wet", "WARC headers", data(good + b"\r\n" * 20_000 + good), 1, (RECORD,))
    yield Fault("no-records.wet", "WARC headers", data(b"just text\n" * 100), 0, (NO_RECORDS,))
    yield Fault("not-wet.warc", "WARC headers", data(bytes(range(256)) * 100), 0, (NO_RECORDS,))
    yield Fault("cut.wet", "WARC lengths", data(good + good[:-10]), 1, (CUT_WARC,))
    yield Fault("record-in-record.wet", "WARC lengths", data(good + record("conversion", good + good, 10**5) + good), -1,
                ("", RECORD), either=True)
    yield Fault("nul-block.wet", "WARC records", data(good + record("conversion", b"a\0" * 99) + good), 2, (NO_PAGE,))
    yield Fault("blank-block.wet", "WARC records", data(good + record("conversion", b" \r\n ") + good), 2, ("empty page",))
    yield Fault("bad-utf-8.wet", "WARC records", data(good + record("conversion", b"\xff\xfe\xed\xa0" * 9 + b"\x81\x8d") + good), -1,
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
        yield Fault(f"{name}.warc", "HTTP in WARC", data(page + middle + page), 3 if reason is None else 2, (reason,) if reason else ())
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


# Texts ---------------------------------------------------------------------------------------------------------------------------

SENTENCE = b"A good sentence with some words in it, and then another one. "
ENCODINGS: dict[str, tuple[bytes, str | None]] = {  # a file, and why it is lost
    "nul-first": (b"\0" + SENTENCE * 9, BINARY),
    "nul-late": (SENTENCE * 5_000 + b"\0", BINARY),
    "nul-only": (b"\0" * 10_000, BINARY),
    "nul-after-mark": (b"\xef\xbb\xbfa\0b", BINARY),
    "wtf-8": (SENTENCE + b"\xed\xa0\x80" + SENTENCE, UNKNOWN),
    "wtf-8-pair": (SENTENCE + b"\xed\xa0\xbd\xed\xb8\x80" + SENTENCE, UNKNOWN),
    "random": (bytes(byte or 1 for byte in random.Random(7).randbytes(5_000)), UNKNOWN),
    "high-bytes": (bytes(range(128, 256)) * 30, UNKNOWN),
    "utf-16-odd": (b"\xff\xfe" + SENTENCE.decode().encode("utf-16-le") + b"a", UNKNOWN),
    "utf-16-lone-surrogate": (b"\xff\xfe\x00\xd8a\x00", UNKNOWN),
    "utf-16": (SENTENCE.decode().encode("utf-16"), None),
    "utf-16-no-mark": (SENTENCE.decode().encode("utf-16-le"), BINARY),
    "utf-32-too-high": (b"\xff\xfe\0\0\xff\xff\xff\x7f", UNKNOWN),
    "utf-32-cut": (b"\xff\xfe\0\0a\0\0", UNKNOWN),
    "mark-only": (b"\xef\xbb\xbf", None),
    "mark-16-only": (b"\xff\xfe", None),
    "mark-twice": (b"\xef\xbb\xbf\xef\xbb\xbf" + SENTENCE, None),
    "mark-inside": (SENTENCE + b"\xef\xbb\xbf" + SENTENCE, None),
    "mark-lies": (b"\xef\xbb\xbf" + "Straße".encode("latin-1") * 9, UNKNOWN),
    "latin-1": (SENTENCE + "Die Straße ist schön. ".encode("latin-1"), None),
    "half-utf-8-half-gbk": ("这是一段中文文字。".encode() * 30 + "这是一段中文文字。".encode("gbk") * 30, UNKNOWN),
    "cut-in-character": ("这是一段中文文字。".encode()[:-1], UNKNOWN),
    "controls": (bytes(range(1, 32)) * 50, None),
    "escape-sequences": (b"\x1b[31m\x1b]0;title\x07" * 500, None),
    "only-newlines": (b"\n\r\n\r" * 5_000, None),
    "only-spaces": (b" \t\xc2\xa0\xe3\x80\x80" * 500, None),
    "non-characters": ("\ufffe\uffff\U0010ffff".encode() * 500, None),
    "private-use": ("\ue000\uf8ff\U000f0000".encode() * 500, None),
    "replacement": ("\ufffd".encode() * 5_000, None),
    "only-marks": ("\u0301".encode() * 5_000, None),
    "variation-selectors": ("\ufe0f\U000e0100".encode() * 5_000, None),
    "tags-plane-14": ("\U000e0041".encode() * 5_000, None),
    "bidi": ("\u202e\u2066\u2069".encode() * 5_000, None),
    "zalgo": ("".join("a" + "\u0301\u0327\u0323\u0316" * 200 for _ in range(300)).encode(), None),
    "hangul-jamo": ("\u1100\u1161\u11a8".encode() * 5_000, None),
    "mojibake": (b"sch\xc3\x83\xc2\xb6n " * 500, None),
}
INVALID_UTF8 = {
    "lone-tail": b"\x80", "tails": b"\x80\xbf\x80", "head-without-tail": b"\xc3", "head-of-3": b"\xe4\xb8", "head-of-4": b"\xf0\x9f\x98",
    "overlong-2": b"\xc0\xaf", "overlong-3": b"\xe0\x80\xaf", "overlong-4": b"\xf0\x80\x80\xaf", "overlong-nul": b"\xc0\x80",
    "surrogate": b"\xed\xbf\xbf", "above-10ffff": b"\xf4\x90\x80\x80", "five-bytes": b"\xf8\x88\x80\x80\x80",
    "six-bytes": b"\xfc\x84\x80\x80\x80\x80", "fe": b"\xfe", "ff": b"\xff\xff",
}

BAIT = {  # what makes a careless pattern take quadratic time or worse
    "digits": "1", "digit-groups": "1 ", "digit-hyphens": "1-", "digit-dots": "1.", "brackets": "(1)", "open-brackets": "(", "ats": "@",
    "local-parts": "a@", "dots-and-ats": "a.a.a@", "domains": "a.b.co", "domain-labels": "a-.", "plus": "+1 ", "colons": ":", "addresses": "://a:b",
    "credentials": "://a:b@", "hexadecimal": "f", "pairs": "0a:", "quads": "1.1.1.1.", "groups-of-6": "2001:", "base64": "QUJD",
    "base64-lines": "QUJD" * 15 + "\n", "tokens": "eyJ", "web-tokens": "eyJaaaaaaaaaaaa1.", "key-heads": "-----BEGIN PRIVATE KEY-----\n",
    "key-dashes": "-----BEGIN ", "key-data": "-----BEGIN PRIVATE KEY-----" + "A1" * 20 + "\n", "assigned": "api_key = ",
    "assigned-runs": "token=" * 3 + "a1b2c3d4", "names": "Mr. A ", "dear": "Dear A-", "hello": "Hi A' ", "surnames": "王", "said": "姓名:王",
    "numbers-and-commas": "1, ", "hex-and-commas": "0xff, ", "escapes": "\\x41", "unicode-escapes": "\\u0041", "half-escapes": "\\u00",
    "tags": "<a ", "open-tags": "<", "comments": "<!--", "cdata": "<![CDATA[", "entities": "&#1", "named-entities": "&amp", "templates": "{{",
    "template-ends": "{{a}", "links": "](a", "wiki-links": "[[a]", "headings": "== a =", "table": "|-", "stars": "*", "underscores": "_",
    "primes": "'", "bracket-b": "[b=", "fences": "```\n", "stops": ".", "stops-and-spaces": ". ", "questions": "?", "wide-stops": "。",
    "quotes": '"', "backslash-quotes": '\\"', "apostrophes": "\\'", "triple-quotes": '"""', "slash-stars": "/*", "stars-slash": "*/", "hashes": "#",
    "slashes": "//", "dashes": "--", "percents": "%", "semicolons": ";", "blank-lines": "\n", "spaces-and-lines": " \n", "line-spaces": "\n ",
    "tabs": "\t", "carriage-returns": "\r", "ellipses": "…", "bullets": "• ", "codec": "codec ", "generated": "# auto", "this-file": "this file is auto",
    "auto-words": "autoa", "lorem": "lorem ", "javascript": "javascript\n", "brackets-numbers": "[1", "policies": "terms of ", "word": "a ",
    "two-words": "a b ", "abbreviations": "e.g. ", "initials": "A. ", "thai": "ก", "kana": "か", "kana-and-chinese": "か中", "chinese": "的",
    "chinese-stops": "的。", "korean": "한", "marks": "\u0301", "two-marks": "\u0301\u0327", "a-and-marks": "a\u0327\u0301\u0323", "joiners": "\u200d",
    "zero-width": "\u200b", "soft-hyphens": "a\xad", "emoji": "👩\u200d", "mojibake": "Ã¶", "deep-mojibake": "ÃƒÂ¶", "gibberish": "â€™Ã",
    "ligatures": "ﬁ", "mathematics": "𝔸", "long-ligature": "\ufdfa", "combining-kana": "か\u3099", "jamo": "\u1100\u1161", "private": "\ue000",
    "planes": "\U00020000", "right-to-left": "א", "tamil": "நி", "lines-of-two": "ab\n", "equal-lines": "the same line again\n",
    "iban": "GB82WEST", "cards": "4111 1111 ", "phone": "phone ", "call": "call 1 ", "bitcoin": "bc1", "dates": "dob 1/1/", "nhs": "nhs 9 ", "url": "http://",
    "paths": "/a", "version": "version 1.", "secrets": "sk-", "slack": "hooks.slack.com/services/T", "telegram": "12345678:AA",
}
BAIT_SIZE = 100_000
"""Characters of a bait: quadratic time on it is a minute."""
ENDS = ("", "!")
"""What follows a bait: nothing, and what the pattern did not hope for."""
ONE_CHARACTER = {"space": " ", "a": "a", "newline": "\n", "chinese": "的", "kana": "か", "thai": "ก", "mark": "\u0301", "two-marks": "\u0301\u0327",
                 "zero-width": "\u200b", "zero": "0", "full-stop": ".", "quote": '"', "less-than": "<", "bracket": "[", "emoji": "😀", "words": "a b c d e ",
                 "short-lines": "ab\n", "tab": "\t", "return": "\r", "e-acute": "é", "hash": "#", "backslash": "\\"}


FIFTY = ("space", "a", "newline", "chinese", "mark")
"""Of which there are 50 MB; of the others a tenth, so that all can be tried in minutes."""


def text_faults() -> Iterator[Fault]:
    for name, (content, reason) in ENCODINGS.items():
        yield Fault(f"{name}.txt", "encodings", data(content), int(reason is None), (reason,) if reason else ())
    for name, wrong in INVALID_UTF8.items():
        yield Fault(f"{name}.txt", "invalid UTF-8", data(SENTENCE * 20 + wrong * 3 + SENTENCE), -1, ("", UNKNOWN), either=True)
        yield Fault(f"{name}.jsonl", "invalid UTF-8", data(GOOD_LINE + b'\n{"text": "' + wrong + b'"}\n' + GOOD_LINE), -1,
                    ("", UNKNOWN), either=True)
    for name, bait in BAIT.items():
        for number, end in enumerate(ENDS):
            write = repeated(bait.encode(), BAIT_SIZE // len(bait), b"", end.encode())
            for ending in ((".py", ".c") if bait in '/*"\\\'' or "'" in bait else (".py",)) if number else (".txt",):
                yield Fault(f"{name}-{number}{ending}", "bait for patterns", write, 1, extract=None)
    for name, character in ONE_CHARACTER.items():
        size, great = len(character.encode()), name in FIFTY
        yield Fault(f"{name}.txt", "50 MB of one thing" if great else "5 MB of one thing",
                    repeated(character.encode(), (BIG if great else BIG // 10) // size), 1, heavy=True)
    yield Fault("10-million-words.txt", "50 MB of one thing", partial(_numbered, 6 * MEGA), 1, heavy=True)
    yield Fault("one-line-of-code.js", "50 MB of one thing", repeated(b'var a="\\x41";', BIG // 13), 1, heavy=True, extract=None)
    yield Fault("101-MB.txt", "50 MB of one thing", repeated(b"0123456789", 11 * MEGA), 0, (TOO_LARGE,), heavy=True)


def _numbered(count: int, path: Path) -> None:
    path.write_bytes(b" ".join(b"w%d" % number for number in range(count)))


# The file system -----------------------------------------------------------------------------------------------------------------

def place_faults() -> Iterator[Fault]:
    """What is in a folder and is no ordinary file. A name is text here, as `os.fsdecode` gives it."""
    yield Fault("dangling.txt", "places", lambda path: path.symlink_to("nowhere"), 0, ("unreadable: no such file",))
    yield Fault("itself.txt", "places", lambda path: path.symlink_to(path.name), 0, ("unreadable: symbolic link loop",))
    yield Fault("empty.txt", "places", data(b""), 0, (EMPTY,))
    yield Fault("a\nname\twith\x1blines.txt", "places", data(SENTENCE), 1)
    yield Fault(os.fsdecode(b"no-utf-8-\xff\xfe\x80.txt"), "places", data(SENTENCE), 1)
    yield Fault("ä" * 123 + "name.txt", "places", data(SENTENCE), 1)
    yield Fault("%2e%2e#?*[x].txt", "places", data(SENTENCE), 1)
    yield Fault("-rf --.txt", "places", data(SENTENCE), 1)
    yield Fault("\u202etxt.exe", "places", data(SENTENCE), 1)
    yield Fault("no ending", "places", data(SENTENCE), 1)
    yield Fault("two.endings.gz.txt", "places", data(SENTENCE), 1)
    yield Fault("packed.txt", "places", data(gzip.compress(SENTENCE)), 1)
    yield Fault("UPPER.JSONL.GZ", "places", data(gzip.compress(GOOD_LINE)), 1)


def not_files(folder: Path) -> list[Path]:
    """Make a named pipe, a socket and links to devices in a folder: who opens them for reading waits for ever, or reads for ever."""
    pipe, listening, zero, terminal = (folder / name for name in ("pipe.txt", "socket.txt", "zero.jsonl", "full.txt"))
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as bound:
        here = Path.cwd()
        os.chdir(folder)  # the path of a socket may be some hundred characters
        bound.bind(listening.name)
        os.chdir(here)
    zero.symlink_to("/dev/zero")
    terminal.symlink_to("/dev/full")
    return [pipe, listening, zero, terminal]


def faults() -> list[Fault]:
    """All of them, always the same ones in the same order."""
    return [*place_faults(), *text_faults(), *packed_faults(), *row_faults(), *parquet_faults(), *archive_faults(), *page_faults()]


def written(fault: Fault, root: Path) -> Path:
    """Make one below a folder; return its path."""
    path = root / fault.relative
    path.parent.mkdir(parents=True, exist_ok=True)
    fault.write(path)
    return path
