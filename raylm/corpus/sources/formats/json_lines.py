"""JSON lines: each line an object with its text in one column. A line that is no such thing costs itself."""

import json
from collections.abc import Iterator
from pathlib import Path

from raylm.corpus.encoding import SAMPLE, Lines
from raylm.corpus.files import ReadError, explain, opened, unpacked
from raylm.corpus.reading import FILE_LIMIT, TOO_LARGE
from raylm.corpus.sources.base import Record, Unread
from raylm.corpus.sources.config import SourceConfig
from raylm.corpus.sources.formats.lines import bounded_lines
from raylm.corpus.sources.formats.rows import Columns


def json_lines(address: str | Path, config: SourceConfig, limit: int = FILE_LIMIT) -> Iterator[Record | Unread]:
    """Stream a file's rows, in memory for one line of at most `limit` bytes.

    The lines before a damaged place are kept; the place, with all after it, counts as one unread record.
    """
    number, columns = 0, Columns(config, limit)
    try:
        with opened(address, config.anonymous) as raw, unpacked(raw, str(address)) as stream:
            encoding = Lines(stream.peek(SAMPLE)[:SAMPLE])
            for line, size in bounded_lines(stream, limit, packed=stream is not raw):
                if line is None:
                    yield Unread(number, TOO_LARGE, size)
                elif line.strip():
                    yield _row(number, line, encoding, columns)
                number += 1
    except (OSError, ReadError) as error:
        yield Unread(number, explain(error), 0)


def _row(number: int, line: bytes, encoding: Lines, columns: Columns) -> Record | Unread:
    try:
        row = json.loads(encoding.text(line))
    except ReadError as error:
        return Unread(number, error.reason, len(line))
    except (ValueError, RecursionError):
        return Unread(number, "not JSON", len(line))
    return columns.record(number, row if isinstance(row, dict) else {}, len(line))
