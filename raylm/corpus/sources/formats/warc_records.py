"""The records of a WARC file (ISO 28500), found again after a damaged place.

Our own reader, because a crawl's files are the least trustworthy input that there is: the Rust parser of FastWARC 2.0 panics where
a stream fails under it, which ends a worker. A record's length is believed only if a record, or the end, follows it; if not, the
record is damaged, and reading goes on at the next line that begins one.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_BEGINNING = b"WARC/"
_INSIDE = b"\r\n\r\nWARC/1."
_HEADER_LIMIT = 1 << 16
_STEP = 1 << 20


@dataclass(frozen=True)
class WarcRecord:
    """One record."""

    headers: dict[str, str]
    """By lower-case name."""
    block: bytes
    """What it holds, for those that are wanted."""
    state: Literal["whole", "long", "damaged", "cut"]
    """Whether the block is whole; or longer than is wanted, of a wrong length, or cut off by the end of the file."""
    size: int
    """Bytes of the block in the file."""

    @property
    def kind(self) -> str:
        """Its type: response, conversion, request, ..."""
        return self.headers.get("warc-type", "").strip().lower()


class _Source:
    """A stream to which bytes that were read too early can be given back."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream, self._given = stream, io.BytesIO()

    def line(self) -> bytes:
        found = self._given.readline(_HEADER_LIMIT)
        return found if found.endswith(b"\n") else found + self._stream.readline(_HEADER_LIMIT - len(found))

    def read(self, size: int) -> bytes:
        found = self._given.read(size)
        return found + self._stream.read(size - len(found)) if len(found) < size else found

    def skip(self, size: int) -> int:
        left = size
        while left > 0 and (part := self.read(min(left, _STEP))):
            left -= len(part)
        return size - left

    def give_back(self, data: bytes) -> None:
        self._given = io.BytesIO(data + self._given.read())


def warc_records(stream: io.BufferedReader, wanted: frozenset[str], limit: int) -> Iterator[WarcRecord]:
    """Yield the records of some kinds, in memory for one block of at most `limit` bytes, and the damaged ones of all kinds: what
    follows them may be lost with them.

    Raises:
        ReadError, OSError: the stream cannot be read on.
    """
    source = _Source(stream)
    while line := source.line():
        if not line.startswith(_BEGINNING):
            continue
        headers = _headers(source)
        length = headers.get("content-length", "").strip()
        if not (length.isascii() and length.isdigit()):
            record = WarcRecord(headers, b"", "damaged", 0)
        else:
            record = _read(source, headers, int(length), limit)
        # Without a type or length it was no record, but a line that begins like one.
        if record.kind in wanted or (record.state in ("damaged", "cut") and (record.kind or length)):
            yield record


def _headers(source: _Source) -> dict[str, str]:
    """Read the fields up to the empty line; a header that does not end ends at the limit."""
    fields: list[str] = []
    left = _HEADER_LIMIT
    while left > 0 and (line := source.line()).strip():
        left -= len(line)
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if text[:1] in (" ", "\t") and fields:
            fields[-1] += " " + text.strip()
        else:
            fields.append(text)
    pairs = (field.partition(":") for field in fields)
    return {name.strip().lower(): value.strip() for name, colon, value in pairs if colon}


def _read(source: _Source, headers: dict[str, str], length: int, limit: int) -> WarcRecord:
    block = source.read(min(length, limit))
    cut = len(block) < min(length, limit)
    if not cut and length > limit:
        if _INSIDE not in block:
            return WarcRecord(headers, b"", "long", limit + source.skip(length - limit))
    elif not cut and _ends(source):
        return WarcRecord(headers, block, "whole", length)
    more = source.read(len(_INSIDE))  # the length may end in the middle of where the next record begins
    source.give_back(more)
    end = (block + more).find(_INSIDE)
    if end < 0:
        return WarcRecord(headers, b"", "cut" if cut else "damaged", len(block))
    source.give_back(block[end:])
    return WarcRecord(headers, b"", "damaged", end)


def _ends(source: _Source) -> bool:
    """Whether the next line that is not blank begins a record, or there is none."""
    read: list[bytes] = []
    while (line := source.line()) and not line.strip() and len(read) < 16:
        read.append(line)
    source.give_back(b"".join(read) + line)
    return not line or line.startswith(_BEGINNING)
