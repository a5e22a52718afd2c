"""Faulty JSON lines, CSV and Parquet."""

import json
import random
import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from fault import (
    BIG,
    BINARY,
    EMPTY,
    GOOD_LINE,
    MEGA,
    NO_TEXT,
    NOT_JSON,
    PARQUET,
    ROW,
    TOO_LARGE,
    UNKNOWN,
    Fault,
    data,
    repeated,
    rows,
)

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
    yield Fault("110-MB-line.jsonl", "50 MB of one thing",
                repeated(b"a", 110 * MEGA, GOOD_LINE + b'\n{"text": "', b'"}\n' + GOOD_LINE), 2, (TOO_LARGE,), heavy=True)
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
    yield Fault("5-MB-unclosed.csv", "5 MB of one thing", repeated(b"a line\n", BIG // 70, b'id,text\n1,"', b"2,two\n"), 1,
                (ROW,) * (BIG // 70), heavy=True)


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
    yield Fault("no-rows.parquet", "Parquet", data(table_bytes({"text": pa.array([], pa.string())})), 0, (EMPTY,))
    types: dict[str, tuple[pa.Array, int]] = {
        "numbers": (pa.array([1, 2, 3]), 0), "binary": (pa.array([b"one", b"two", b"three"]), 0),
        "lists": (pa.array([["a"], ["b"], None]), 0), "structs": (pa.array([{"a": "b"}] * 3), 0), "nulls": (pa.nulls(3), 0),
        "some-nulls": (pa.array(["one", None, "three"]), 2), "dictionary": (pa.array(["a"] * 3).dictionary_encode(), 3),
        "times": (pa.array([2**62, -(2**62), 0], pa.timestamp("us")), 0), "invalid-utf-8": (bad_utf8(), 2)}
    for name, (column, texts) in types.items():
        reason = UNKNOWN if name == "invalid-utf-8" else NO_TEXT
        yield Fault(f"{name}.parquet", "Parquet", data(table_bytes({"text": column, "note": column})), texts,
                    (reason,) * (3 - texts))
    other = {"text": pa.array(["one", "two", "three"]), "url": pa.array([2**62, -(2**62), 0], pa.timestamp("us")),
             "note": bad_utf8()}
    yield Fault("odd-metadata.parquet", "Parquet", data(table_bytes(other)), 3)
    yield Fault("no-text.parquet", "Parquet", data(table_bytes({"body": pa.array(["a"])})), 0, (NO_TEXT,))
    wide = {f"c{number}": pa.array([1]) for number in range(2000)} | {"text": pa.array(["one"])}
    yield Fault("2000-columns.parquet", "Parquet", data(table_bytes(wide)), 1)
    yield Fault("repeated-1-MB-text.parquet", "Parquet bomb", partial(_parquet_bomb, MEGA, 300), 300, heavy=True)
    yield Fault("120-MB-text.parquet", "Parquet bomb", partial(_parquet_bomb, 120 * MEGA, 1), 0, (TOO_LARGE,), heavy=True)


def _parquet_bomb(size: int, times: int, path: Path) -> None:
    text = pa.array(["a" * size]).take(pa.array([0] * times))
    path.write_bytes(table_bytes({"text": text}, compression="zstd", use_dictionary=times > 1))
