"""Parquet partitions and the two ways that Ray Data works on them: one task for each, and a shuffle that fills them.

A shuffle is Ray's keyed repartition followed by one call per block (never `map_groups`, which is twenty times slower). The key is
our own partition number, computed from a document's id or a node, so that what is in a file never depends on Ray's hashing.
"""

import io
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import ray.data

from raylm.storage import Folder


def part_name(part: int) -> str:
    """Return the file name of a partition."""
    return f"part-{part:05d}.parquet"


def write_part(folder: Folder, part: int, table: pa.Table) -> None:
    """Write one partition whole; equal tables give equal bytes, however they were chunked."""
    buffer = io.BytesIO()
    pq.write_table(table.combine_chunks(), buffer, compression="zstd", row_group_size=16_384)
    folder.write_bytes(part_name(part), buffer.getvalue())


def read_part(folder: Folder, part: int, schema: pa.Schema, columns: list[str] | None = None) -> pa.Table:
    """Read one partition; one that was never written, for no row fell into it, is empty.

    That none is missing for another reason is for `Steps` to see, before a step is used.
    """
    if not folder.exists(part_name(part)):
        names = columns or schema.names
        return pa.schema([schema.field(name) for name in names]).empty_table()
    return pq.read_table(folder.file(part_name(part)), columns=columns, filesystem=folder.filesystem)


def over_parts(partitions: int, function: Callable[[int], Iterator[pa.Table]]) -> ray.data.Dataset:
    """Return the tables that `function` yields for each partition number, one task each."""

    def each(batch: pa.Table) -> Iterator[pa.Table]:
        for part in batch["id"].to_pylist():
            yield from function(part)

    return ray.data.range(partitions, override_num_blocks=partitions).map_batches(
        each, batch_size=None, batch_format="pyarrow"
    )


def shuffled(
    dataset: ray.data.Dataset, partitions: int, reduce: Callable[[int, pa.Table], Iterator[pa.Table]]
) -> ray.data.Dataset:
    """Bring rows of an equal `part` column together and return what `reduce(part, rows)` yields for each part that has rows."""

    def each(block: pa.Table) -> Iterator[pa.Table]:
        if "part" in block.column_names:  # an empty block may come without columns
            for part in np.unique(block["part"].to_numpy()):
                rows = block.filter(pa.compute.equal(block["part"], pa.scalar(int(part), block["part"].type)))
                yield from reduce(int(part), rows)

    return dataset.repartition(partitions, keys=["part"]).map_batches(each, batch_size=None, batch_format="pyarrow")
