"""JSON lines: each line an object with its text in one column, plain or gzipped. A line that is no such thing costs itself."""

import gzip
import json
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from raylm.corpus.reading import FILE_LIMIT, TOO_LARGE, ReadError, decode, explain
from raylm.corpus.sources.base import Record, Unread

PATIENCE = 16
"""Lines of the greatest length that are unpacked to get past longer ones in one gzip file; beyond that its rest is left unread, as
a few megabytes may unpack to as many gigabytes."""
_CHUNK = 1 << 20


def json_lines(path: Path, column: str, limit: int = FILE_LIMIT) -> Iterator[Record | Unread]:
    """Stream a file's rows, in memory for one line of at most `limit` bytes; a longer one is passed over, however long it is.

    The lines before a damaged place are kept; the place, with all after it, counts as one unread record.
    """
    number = 0
    compressed = path.name.endswith(".gz")
    patience = PATIENCE * limit if compressed else math.inf
    try:
        with cast(BinaryIO, gzip.open(path, "rb") if compressed else path.open("rb")) as stream:
            while patience > 0 and (line := stream.readline(limit + 1)):
                if len(line) > limit:
                    passed = _pass_over(stream, line, patience)
                    patience -= len(line) + passed
                    yield Unread(number, TOO_LARGE, len(line) + passed)
                elif line.strip():
                    yield _row(number, line, column)
                number += 1
        if number == 0:
            yield Unread(0, "empty file", 0)
    except (OSError, EOFError, zlib.error) as error:
        yield Unread(number, explain(error), 0)


def _pass_over(stream: BinaryIO, line: bytes, patience: float) -> int:
    """Read on to the end of a line that begins with `line`, or until patience is lost; return the bytes read."""
    passed = 0
    while line and not line.endswith(b"\n") and passed < patience:
        line = stream.readline(_CHUNK)
        passed += len(line)
    return passed


def _row(number: int, line: bytes, column: str) -> Record | Unread:
    try:
        row = json.loads(decode(line, python=False))
    except ReadError as error:
        return Unread(number, error.reason, len(line))
    except (ValueError, RecursionError):
        return Unread(number, "not JSON", len(line))
    text = row.get(column) if isinstance(row, dict) else None
    if not isinstance(text, str):
        return Unread(number, "no text column", len(line))
    return Record(number, text, len(text.encode(errors="replace")), "prose", alone=True)
