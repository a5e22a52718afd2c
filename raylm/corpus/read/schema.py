"""The columns of the read artifact, and reading some of them from one partition, with the models' scores beside them."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from raylm.corpus.masks import MASKS
from raylm.corpus.measures.base import Measure
from raylm.corpus.parts import part_name
from raylm.storage import Folder

BASE = (
    ("id", pa.string()),
    ("source", pa.string()),
    ("path", pa.string()),
    ("content", pa.string()),
    ("url", pa.string()),
    ("metadata", pa.string()),
    ("text", pa.large_string()),
    ("bytes", pa.int64()),
    ("raw_bytes", pa.int64()),
    ("read_bytes", pa.int64()),
    ("unread", pa.string()),
    ("key", pa.uint64()),
    ("key_low", pa.uint64()),
)
"""What is always there. `content`: `code` or `prose`. `metadata`: a JSON object, null where the source carries nothing.
`raw_bytes`:
what was in the file; `read_bytes`: UTF-8 of what was decoded; `bytes`: of the cleaned text. `unread`: why there is no text. `key`
and `key_low`: the 128-bit hash of the content."""


def masked_column(kind: str) -> str:
    """Return the name of the column that counts the places masked of a kind."""
    return f"masked_{kind}"


def read_schema(measures: Sequence[Measure]) -> pa.Schema:
    """Return the schema of the read artifact's partitions for some measures: each column once, in order of name after `BASE`."""
    masks = [(masked_column(kind), pa.int32()) for kind in MASKS]
    measured = {name: pa.type_for_alias(kind) for measure in measures for name, kind in measure.columns.items()}
    return pa.schema([*BASE, *masks, *sorted(measured.items())])


def read_columns(read: Folder, scores: Folder | None, part: int, columns: Sequence[str]) -> pa.Table:
    """Return columns of one partition, each from the read artifact or else from the models' scores, which are row for row the same.

    Raises:
        KeyError: neither has a column of that name.
    """
    wanted = list(dict.fromkeys(columns))
    tables = []
    for folder in (read, scores):
        if folder is not None and wanted:
            with folder.filesystem.open_input_file(folder.file(part_name(part))) as stream, pq.ParquetFile(stream) as file:
                here = [name for name in wanted if name in file.schema_arrow.names]
                tables.append(file.read(columns=here))
            wanted = [name for name in wanted if name not in here]
    if wanted:
        raise KeyError(f"no column {', '.join(wanted)} in the read documents")
    first, *others = tables
    for table in others:
        for name in table.column_names:
            first = first.append_column(name, table[name])
    return first.select(list(dict.fromkeys(columns)))
