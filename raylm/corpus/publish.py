"""The last step on Ray: a partition's rows and its list of duplicates become the artifact's two tables, without another shuffle."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from raylm.corpus.documents import READ_SCHEMA
from raylm.corpus.duplicates import DUPLICATES
from raylm.corpus.parts import over_parts, read_part, write_part
from raylm.progress import Meter
from raylm.storage import Folder

DOCUMENTS = pa.schema([("id", pa.string()), ("source", pa.string()), ("path", pa.string()), ("text", pa.string()),
                       ("bytes", pa.int64())])
REMOVED = pa.schema([("id", pa.string()), ("source", pa.string()), ("path", pa.string()), ("step", pa.string()),
                     ("reason", pa.string()), ("bytes", pa.int64()), ("duplicate_of", pa.string())])
EXACT, NEAR = "exact duplicate", "near duplicate"
_SAMPLES = 5


def split(rows: pa.Table, duplicates: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Divide one partition's rows, sorted by id, into `DOCUMENTS` and `REMOVED`, both still sorted by id."""
    step, reason = np.array(rows["step"].to_pylist(), dtype=object), np.array(rows["reason"].to_pylist(), dtype=object)
    survivor = np.full(rows.num_rows, None, dtype=object)
    places, exact = duplicates["row"].to_numpy(), duplicates["exact"].to_numpy()
    step[places] = np.where(exact, "exact", "near")
    reason[places] = np.where(exact, EXACT, NEAR)
    survivor[places] = duplicates["duplicate_of"].to_pylist()
    removed = pa.array([value is not None for value in step], pa.bool_())
    columns = {"step": pa.array(step, pa.string()), "reason": pa.array(reason, pa.string()),
               "duplicate_of": pa.array(survivor, pa.string())}
    whole = pa.table({name: columns.get(name, rows[name] if name in rows.column_names else None) for name in REMOVED.names},
                     schema=REMOVED)
    return rows.filter(pc.invert(removed)).select(DOCUMENTS.names), whole.filter(removed)


def publish(output: Folder, steps: Folder, parts: int, meter: Meter) -> list[dict[str, Any]]:
    """Write `documents/` and `removed/`; return `documents`, `bytes` and `samples` (paths) by source and reason."""
    meter.begin("write documents", "partitions", parts)

    def each(part: int) -> Iterator[pa.Table]:
        rows = read_part(steps.child("read"), part, READ_SCHEMA, [*DOCUMENTS.names, "step", "reason"])
        documents, removed = split(rows, read_part(steps.child("duplicates"), part, DUPLICATES))
        write_part(output.child("documents"), part, documents)
        write_part(output.child("removed"), part, removed)
        meter.advance()
        kept = documents.append_column("step", pa.nulls(len(documents), pa.string()))
        kept = kept.append_column("reason", pa.nulls(len(documents), pa.string()))
        columns = ["id", "source", "path", "step", "reason", "bytes"]
        yield _sums(pa.concat_tables([kept.select(columns), removed.select(columns)]))

    return list(over_parts(parts, each).take_all())


def _sums(rows: pa.Table) -> pa.Table:
    grouped = rows.group_by(["source", "step", "reason"], use_threads=False).aggregate(
        [("id", "count"), ("bytes", "sum"), ("path", "list")]
    )
    samples = [sorted(paths)[:_SAMPLES] for paths in grouped["path_list"].to_pylist()]
    return pa.table({
        "source": grouped["source"], "step": grouped["step"], "reason": grouped["reason"], "documents": grouped["id_count"],
        "bytes": grouped["bytes_sum"], "samples": pa.array(samples, pa.list_(pa.string())),
    })
