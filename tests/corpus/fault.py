"""What a faulty file is, and the good files that faults are made of."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

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


SENTENCE = b"A good sentence with some words in it, and then another one. "
GOOD_LINE = b'{"text": "a good line"}'
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
