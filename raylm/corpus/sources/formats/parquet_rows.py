"""Parquet: each row a text of its own, in one column. A row without one, or with bytes that are no UTF-8, costs itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raylm.corpus.encoding import UNKNOWN
from raylm.corpus.files import explain, opened
from raylm.corpus.reading import FILE_LIMIT, size_of
from raylm.corpus.sources.base import Record, Unread
from raylm.corpus.sources.config import SourceConfig
from raylm.corpus.sources.formats.rows import NO_TEXT, Columns

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_ROWS, _BATCH_BYTES, _PAGES = 256, 32 << 20, 1 << 20


def parquet_rows(address: str | Path, config: SourceConfig, limit: int = FILE_LIMIT) -> Iterator[Record | Unread]:
    """Stream a file's rows. Those before a damaged place are kept; the place, with all after it, counts as one unread record."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    number, columns = 0, Columns(config, limit)
    try:
        with opened(address, config.anonymous) as raw:
            about = pq.read_metadata(raw)
            leaves = [about.schema.column(index) for index in range(about.num_columns)]
            texts = {leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"}
            # Repeated texts stay one, and pages are read as they are needed: neither a dictionary nor a row group is spread out.
            file = pq.ParquetFile(raw, metadata=about, buffer_size=_PAGES, pre_buffer=False,
                                  read_dictionary=list(texts & {config.text_column}))
            there = set(file.schema_arrow.names)
            if not {config.text_column, config.text_column.split(".")[0]} & there:
                yield Unread(0, NO_TEXT, size_of(address))
                return
            wanted = sorted({top for name in columns.names() for top in (name, name.split(".")[0])} & there)
            for group in range(file.num_row_groups):
                for batch in file.iter_batches(_batch_rows(about.row_group(group)), [group], wanted):
                    for row in _rows(batch, config.text_column):
                        yield columns.record(number, row) if isinstance(row, dict) else Unread(number, UNKNOWN, row)
                        number += 1
    # Of errors without a number, Arrow's own and what a damaged schema's names raise, the file's content is the reason.
    except (OSError, ValueError, pa.ArrowException) as error:
        yield Unread(number, explain(error) if isinstance(error, OSError) and error.errno else "damaged Parquet", 0)


def _batch_rows(group: "pq.RowGroupMetaData") -> int:
    """Return how many rows of a row group to hold at a time: a few megabytes of them."""
    return max(1, min(_ROWS, _BATCH_BYTES * group.num_rows // max(1, group.total_byte_size)))


def _rows(batch: "pa.RecordBatch", text_column: str) -> Iterator[dict[str, Any] | int]:
    """Yield each row as values by column, or the number of bytes of a text that is no UTF-8."""
    for index in range(batch.num_rows):
        row: dict[str, Any] = {}
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            try:
                row[name] = column[index].as_py()
            except UnicodeDecodeError as error:  # Parquet promises UTF-8 and nobody looks
                if name == text_column:
                    yield len(error.object)
                    break
            except (ValueError, OverflowError):  # a number or a time that Python has no room for
                pass
        else:
            yield row
