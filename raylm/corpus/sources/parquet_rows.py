"""Parquet: each row a text of its own, in one column. A row without one, or with bytes that are no UTF-8, costs itself."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from raylm.corpus.reading import FILE_LIMIT, TOO_LARGE, explain
from raylm.corpus.sources.base import Record, Unread


def parquet_rows(path: Path, column: str, limit: int = FILE_LIMIT) -> Iterator[Record | Unread]:
    """Stream a file's rows. Those before a damaged place are kept; the place, with all after it, counts as one unread record."""
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            if column not in file.schema_arrow.names:
                yield Unread(0, "no text column", path.stat().st_size)
                return
            for batch in file.iter_batches(batch_size=256, columns=[column]):
                for scalar in batch.column(0):
                    yield _row(number, scalar, limit)
                    number += 1
    # Of errors without a number, Arrow's own and what a damaged schema's names raise, the file's content is the reason.
    except (OSError, ValueError, pa.ArrowException) as error:
        yield Unread(number, explain(error) if isinstance(error, OSError) and error.errno else "damaged Parquet", 0)


def _row(number: int, scalar: pa.Scalar, limit: int) -> Record | Unread:
    try:
        text = scalar.as_py()
    except UnicodeDecodeError as error:  # Parquet promises UTF-8 and nobody looks
        return Unread(number, "unknown encoding", len(error.object))
    except (ValueError, OverflowError):  # a number or a time that Python has no room for
        text = None
    if not isinstance(text, str):
        return Unread(number, "no text column", 0)
    size = len(text.encode(errors="replace"))
    return Unread(number, TOO_LARGE, size) if size > limit else Record(number, text, size, "prose", alone=True)
