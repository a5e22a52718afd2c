"""CSV with a header row (RFC 4180): each row a text of its own, in one column. A row that does not fit the header costs itself.

Python's csv module takes a stray quotation mark as the beginning of a field that ends with the file, and holds such a field in
memory four times over. Here a row is bounded before it is parsed, and after one that does not end, reading goes on at the line
after its first.
"""

import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from raylm.corpus.encoding import BYTE_ORDER_MARKS, SAMPLE, UNKNOWN, Lines
from raylm.corpus.files import ReadError, bare_name, explain, opened, unpacked
from raylm.corpus.reading import FILE_LIMIT, HEAD, TOO_LARGE, is_binary, size_of
from raylm.corpus.sources.base import Record, Unread
from raylm.corpus.sources.config import SourceConfig
from raylm.corpus.sources.formats.lines import bounded_lines
from raylm.corpus.sources.formats.rows import NO_TEXT, Columns

BROKEN = "broken CSV row"
AGAIN = 8
"""Rows without an end after which reading begins anew at their second line; a further one takes all that was read for it."""
_MOST_LINES = 1_000_000
_CLOSING = re.compile(rb'[^"]*+(?:""[^"]*+)*+"')
_QUOTED = re.compile('"([^"]*+(?:""[^"]*+)*+)"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?")
_Line = tuple[bytes | None, int]


def csv_rows(address: str | Path, config: SourceConfig, limit: int = FILE_LIMIT) -> Iterator[Record | Unread]:
    """Stream a file's rows, in memory for one row of at most `limit` bytes.

    The rows before a damaged place are kept; the place, with all after it, counts as one unread record.
    """
    delimiter = config.delimiter or ("\t" if bare_name(str(address)).endswith(".tsv") else ",")
    number, columns = 0, Columns(config, limit)
    try:
        with opened(address, config.anonymous) as raw, unpacked(raw, str(address)) as stream:
            head = stream.peek(SAMPLE)[:SAMPLE]
            if is_binary(head[:HEAD]) or head.startswith(tuple(mark for mark, _ in BYTE_ORDER_MARKS[1:])):
                yield Unread(0, "binary" if is_binary(head) else UNKNOWN, size_of(address))
                return
            encoding = Lines(head)
            rows = _rows(bounded_lines(stream, limit, packed=stream is not raw), delimiter.encode(), limit)
            first, size, _ = next(rows, (None, 0, ""))
            names = fields(encoding.text(first), delimiter) if first else []
            if names and columns.config.text_column not in names:
                yield Unread(0, NO_TEXT, size_of(address))
                return
            for row, size, reason in rows:
                yield _record(number, row, names, encoding, delimiter, columns) if row is not None else Unread(number, reason, size)
                number += 1
    except (OSError, ReadError) as error:
        yield Unread(number, explain(error), 0)


def _record(number: int, row: bytes, names: list[str], encoding: Lines, delimiter: str, columns: Columns) -> Record | Unread:
    try:
        values = fields(encoding.text(row), delimiter)
    except ReadError as error:
        return Unread(number, error.reason, len(row))
    if len(values) != len(names):
        return Unread(number, BROKEN, len(row))
    pairs = zip(names, values, strict=True)
    text_column = columns.config.text_column
    return columns.record(number, {name: value if name == text_column else typed(value) for name, value in pairs}, len(row))


def typed(value: str) -> str | int | float | None:
    """Return the number that a field is, None for an empty one, else the field: rules compare numbers."""
    if not value.strip():
        return None
    if _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return value


def _rows(lines: Iterator[_Line], delimiter: bytes, limit: int) -> Iterator[tuple[bytes | None, int, str]]:
    """Yield each row that is not blank, or None for one that cannot be had, its bytes, and why it cannot."""
    waiting: deque[_Line] = deque()
    again = AGAIN
    while (line := _next(waiting, lines)) is not None:
        parts: list[bytes] = []
        size, opened = 0, False
        while line is not None and line[0] is not None:
            parts.append(line[0])
            size += line[1]
            opened = still_open(line[0], opened, delimiter)
            if not opened or size > limit or len(parts) >= _MOST_LINES:
                break
            line = _next(waiting, lines)
        if line is not None and line[0] is None:
            yield None, size + line[1], TOO_LARGE
        elif opened and again > 0:
            again -= 1
            waiting.extendleft((part, len(part)) for part in reversed(parts[1:]))
            yield None, len(parts[0]), BROKEN
        elif opened or size > limit:
            yield None, size, BROKEN if opened else TOO_LARGE
        elif row := b"".join(parts).rstrip(b"\r\n"):
            yield row, size, ""


def _next(waiting: deque[_Line], lines: Iterator[_Line]) -> _Line | None:
    return waiting.popleft() if waiting else next(lines, None)


def still_open(line: bytes, opened: bool, delimiter: bytes) -> bool:
    """Whether a quoted field is open at the end of a line, given whether one was at its beginning. A quotation mark opens a field
    only as its first character.
    """
    position = 0
    if not opened and line.startswith(b'"'):
        opened, position = True, 1
    while True:
        if opened:
            closing = _CLOSING.match(line, position)
            if closing is None:
                return True
            opened, position = False, closing.end()
        found = line.find(delimiter + b'"', position)
        if found < 0:
            return False
        opened, position = True, found + 2


def fields(row: str, delimiter: str) -> list[str]:
    """Split a whole row into its fields, without their quotation marks."""
    row = row.removeprefix("\ufeff")
    if '"' not in row:
        return row.split(delimiter)
    found, position = [], 0
    while position <= len(row):
        quoted = _QUOTED.match(row, position)
        value, position = (quoted[1].replace('""', '"'), quoted.end()) if quoted else ("", position)
        end = row.find(delimiter, position)
        end = len(row) if end < 0 else end
        found.append(value + row[position:end])
        position = end + 1
    return found
