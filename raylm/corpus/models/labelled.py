"""Labelled files as examples: CSV or JSON lines, read a row at a time, with the bound on a class kept while reading.

The rows with the lowest hashes stay, so that the sample is the same in whatever order the file has them, and memory is bounded by
the sample and not by the file.
"""

import csv
import gzip
import heapq
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from raylm.corpus.models.training import LONGEST, ClassifierConfig, Labelled, place
from raylm.errors import UserError

Row = tuple[float, str, str, bool]
"""Where its hash falls, its text, its language, whether it is of the positive class."""


def labelled_rows(config: ClassifierConfig, seed: int) -> list[Row]:
    """Return a model's sample of its labelled files, each class within the bound, sorted by hash; equal texts once.

    Raises:
        UserError: a file cannot be read or lacks a column.
    """
    kept: list[Row] = []
    for positive in (True, False):
        sample = _Lowest(int(config.sample_mb * 1e6))
        for labelled in config.labelled:
            for text, is_positive in _examples(labelled, config.name):
                if is_positive == positive:
                    sample.add((place(seed, f"labelled {config.name}", text), text, labelled.language, positive))
        kept += sample.rows
    seen: dict[str, Row] = {}
    for row in sorted(kept):
        seen.setdefault(row[1], row)
    return list(seen.values())


class _Lowest:
    """The rows with the lowest hashes whose texts together fit into so many bytes."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._heap: list[tuple[float, Row]] = []

    def add(self, row: Row) -> None:
        heapq.heappush(self._heap, (-row[0], row))
        self._left -= len(row[1].encode("utf-8", "surrogatepass"))
        while self._left < 0 and len(self._heap) > 1:
            self._left += len(heapq.heappop(self._heap)[1][1].encode("utf-8", "surrogatepass"))

    @property
    def rows(self) -> list[Row]:
        return [row for _, row in self._heap]


def _examples(labelled: Labelled, model: str) -> Iterator[tuple[str, bool]]:
    positive = {str(value) for value in labelled.positive}
    where = f"corpus.models: {model}: {labelled.path}"
    try:
        with _opened(Path(labelled.path)) as stream:
            for number, row in enumerate(_rows(stream, labelled.format), 1):
                if not isinstance(row, dict) or labelled.text_column not in row or labelled.label_column not in row:
                    names = ", ".join(map(str, row)) if isinstance(row, dict) else type(row).__name__
                    raise UserError(f"{where}: row {number} has no {labelled.text_column!r} or no {labelled.label_column!r}; "
                                    f"it has: {names}")
                text, label = row[labelled.text_column], row[labelled.label_column]
                if isinstance(text, str) and text.strip():
                    yield text[:LONGEST], str(label) in positive
    except (OSError, EOFError, UnicodeError, ValueError, csv.Error) as error:
        raise UserError(f"{where}: {error}") from None


def _opened(path: Path) -> io.TextIOWrapper:
    stream: Any = path.open("rb") if not path.name.endswith(".gz") else gzip.GzipFile(path)
    return io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")


def _rows(stream: io.TextIOWrapper, format: str) -> Iterator[Any]:
    if format == "csv":
        csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
        yield from csv.DictReader(stream)
    else:
        yield from (json.loads(line) for line in stream if line.strip())
