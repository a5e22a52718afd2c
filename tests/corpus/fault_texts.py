"""Texts in no encoding, bait for patterns, and megabytes of one thing."""

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from fault import (
    BIG,
    BINARY,
    GOOD_LINE,
    MEGA,
    SENTENCE,
    TOO_LARGE,
    UNKNOWN,
    Fault,
    data,
    repeated,
)

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
    "lone-tail": b"\x80", "tails": b"\x80\xbf\x80", "head-without-tail": b"\xc3", "head-of-3": b"\xe4\xb8",
    "head-of-4": b"\xf0\x9f\x98", "overlong-2": b"\xc0\xaf", "overlong-3": b"\xe0\x80\xaf", "overlong-4": b"\xf0\x80\x80\xaf",
    "overlong-nul": b"\xc0\x80", "surrogate": b"\xed\xbf\xbf", "above-10ffff": b"\xf4\x90\x80\x80",
    "five-bytes": b"\xf8\x88\x80\x80\x80", "six-bytes": b"\xfc\x84\x80\x80\x80\x80", "fe": b"\xfe", "ff": b"\xff\xff",
}

BAIT = {  # what makes a careless pattern take quadratic time or worse
    "digits": "1", "digit-groups": "1 ", "digit-hyphens": "1-", "digit-dots": "1.", "brackets": "(1)", "open-brackets": "(",
    "ats": "@", "local-parts": "a@", "dots-and-ats": "a.a.a@", "domains": "a.b.co", "domain-labels": "a-.", "plus": "+1 ",
    "colons": ":", "addresses": "://a:b", "credentials": "://a:b@", "hexadecimal": "f", "pairs": "0a:", "quads": "1.1.1.1.",
    "groups-of-6": "2001:", "base64": "QUJD", "base64-lines": "QUJD" * 15 + "\n", "tokens": "eyJ",
    "web-tokens": "eyJaaaaaaaaaaaa1.", "key-heads": "-----BEGIN PRIVATE KEY-----\n", "key-dashes": "-----BEGIN ",
    "key-data": "-----BEGIN PRIVATE KEY-----" + "A1" * 20 + "\n", "assigned": "api_key = ",
    "assigned-runs": "token=" * 3 + "a1b2c3d4", "names": "Mr. A ", "dear": "Dear A-", "hello": "Hi A' ", "surnames": "王",
    "said": "姓名:王", "numbers-and-commas": "1, ", "hex-and-commas": "0xff, ", "escapes": "\\x41", "unicode-escapes": "\\u0041",
    "half-escapes": "\\u00", "tags": "<a ", "open-tags": "<", "comments": "<!--", "cdata": "<![CDATA[", "entities": "&#1",
    "named-entities": "&amp", "templates": "{{", "template-ends": "{{a}", "links": "](a", "wiki-links": "[[a]",
    "headings": "== a =", "table": "|-", "stars": "*", "underscores": "_", "primes": "'", "bracket-b": "[b=", "fences": "```\n",
    "stops": ".", "stops-and-spaces": ". ", "questions": "?", "wide-stops": "。", "quotes": '"', "backslash-quotes": '\\"',
    "apostrophes": "\\'", "triple-quotes": '"""', "slash-stars": "/*", "stars-slash": "*/", "hashes": "#", "slashes": "//",
    "dashes": "--", "percents": "%", "semicolons": ";", "blank-lines": "\n", "spaces-and-lines": " \n", "line-spaces": "\n ",
    "tabs": "\t", "carriage-returns": "\r", "ellipses": "…", "bullets": "• ", "codec": "codec ", "generated": "# auto",
    "this-file": "this file is auto", "auto-words": "autoa", "lorem": "lorem ", "javascript": "javascript\n",
    "brackets-numbers": "[1", "policies": "terms of ", "word": "a ", "two-words": "a b ", "abbreviations": "e.g. ",
    "initials": "A. ", "thai": "ก", "kana": "か", "kana-and-chinese": "か中", "chinese": "的", "chinese-stops": "的。",
    "korean": "한", "marks": "\u0301", "two-marks": "\u0301\u0327", "a-and-marks": "a\u0327\u0301\u0323", "joiners": "\u200d",
    "zero-width": "\u200b", "soft-hyphens": "a\xad", "emoji": "👩\u200d", "mojibake": "Ã¶", "deep-mojibake": "ÃƒÂ¶",
    "gibberish": "â€™Ã", "ligatures": "ﬁ", "mathematics": "𝔸", "long-ligature": "\ufdfa", "combining-kana": "か\u3099",
    "jamo": "\u1100\u1161", "private": "\ue000", "planes": "\U00020000", "right-to-left": "א", "tamil": "நி",
    "lines-of-two": "ab\n", "equal-lines": "the same line again\n", "iban": "GB82WEST", "cards": "4111 1111 ", "phone": "phone ",
    "call": "call 1 ", "bitcoin": "bc1", "dates": "dob 1/1/", "nhs": "nhs 9 ", "url": "http://", "paths": "/a",
    "version": "version 1.", "secrets": "sk-", "slack": "hooks.slack.com/services/T", "telegram": "12345678:AA",
}
BAIT_SIZE = 100_000
"""Characters of a bait: quadratic time on it is a minute."""
ENDS = ("", "!")
"""What follows a bait: nothing, and what the pattern did not hope for."""
ONE_CHARACTER = {
    "space": " ", "a": "a", "newline": "\n", "chinese": "的", "kana": "か", "thai": "ก", "mark": "\u0301",
    "two-marks": "\u0301\u0327", "zero-width": "\u200b", "zero": "0", "full-stop": ".", "quote": '"', "less-than": "<",
    "bracket": "[", "emoji": "😀", "words": "a b c d e ", "short-lines": "ab\n", "tab": "\t", "return": "\r", "e-acute": "é",
    "hash": "#", "backslash": "\\",
}


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
    yield Fault("10-million-words.txt", "50 MB of one thing", partial(_numbered, 10 * MEGA), 1, heavy=True)
    yield Fault("one-line-of-code.js", "5 MB of one thing", repeated(b'var a="\\x41";', BIG // 130), 1, heavy=True, extract=None)
    yield Fault("101-MB.txt", "50 MB of one thing", repeated(b"0123456789", 11 * MEGA), 0, (TOO_LARGE,), heavy=True)


def _numbered(count: int, path: Path) -> None:
    path.write_bytes(b" ".join(b"w%d" % (number % 997) for number in range(count)))
