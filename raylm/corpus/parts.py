"""Parquet partitions and the two ways that Ray Data works on them: one task for each, and a shuffle that fills them.

A shuffle is Ray's keyed repartition followed by one call per block (never `map_groups`, which is twenty times slower). The key is
our own partition number, computed from a document's id or a node, so that what is in a file never depends on Ray's hashing.
"""

import io
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
import ray
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

    That none is missing for another reason is for `Markers` to see, before a step is used.
    """
    if not folder.exists(part_name(part)):
        names = columns or schema.names
        return pa.schema([schema.field(name) for name in names]).empty_table()
    return pq.read_table(folder.file(part_name(part)), columns=columns, filesystem=folder.filesystem)


IN_POOL: dict[str, Any] = {"runtime_env": {"env_vars": {"RAY_DATA_SHUFFLE_MAP_WORKER": "1"}}}
"""Options of all our tasks: they share the workers of a shuffle's first half, for which Ray Data starts a pool of its own. A worker
is ready after two seconds of imports, and the steps of a corpus take turns."""

_SHUFFLED_AT_ONCE = 64 << 20
"""Bytes of rows that one task of a shuffle spreads at a time. Ray's default of 1 GiB takes three times that in memory."""


def set_context() -> None:
    """Set what Ray Data takes from this process when a dataset is made: for the whole process, so before each that we make."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False  # the meter speaks to the user
    context.shuffle_input_batch_bytes = _SHUFFLED_AT_ONCE
    # Ray Data would keep cores back for a shuffle that begins when all is read: of two cores, one would read.
    context.op_resource_reservation_enabled = False


def over_parts(partitions: int, function: Callable[[int], Iterator[pa.Table]]) -> ray.data.Dataset:
    """Return the tables that `function` yields for each partition number, one task each."""
    set_context()

    def each(batch: pa.Table) -> Iterator[pa.Table]:
        for part in batch["id"].to_pylist():
            yield from function(part)

    return each_block([pa.table({"id": [part]}) for part in range(partitions)], each)


def each_block(blocks: list[pa.Table], function: Callable[[pa.Table], Iterator[pa.Table]]) -> ray.data.Dataset:
    """Return the tables that `function` yields for each of some small tables, one task each."""
    # Ray's other ways to begin a dataset start tasks, and so workers, outside of the pool.
    return ray.data.from_blocks(blocks).map_batches(function, batch_size=None, batch_format="pyarrow", **IN_POOL)


def blocked(spread: Callable[[Any], Iterator[pa.Table]], partitions: int) -> Callable[[Any], Iterator[pa.Table]]:
    """Return `spread` with each row's block for `shuffled` beside its `part`.

    Not in a pass of its own: there a table without rows would lose its columns, and Ray's shuffle fails on one that comes first.
    """
    keys = _keys_apart(partitions)

    def each(given: Any) -> Iterator[pa.Table]:
        for table in spread(given):
            yield table.append_column(_BLOCK, pa.array(keys[table["part"].to_numpy() % partitions], pa.int64()))

    return each


def shuffled(
    dataset: ray.data.Dataset, partitions: int, reduce: Callable[[int, pa.Table], Iterator[pa.Table]]
) -> ray.data.Dataset:
    """Bring rows of an equal `part` column together and return what `reduce(part, rows)` yields for each part that has rows.

    Args:
        dataset: of tables that a `blocked` function yields, one with its columns at least for each task, if without rows.
        partitions: how many blocks the parts are spread over.
        reduce: is given a part and all its rows, in no order that holds.
    """

    def each(block: pa.Table) -> Iterator[pa.Table]:
        if "part" in block.column_names:  # an empty block may come without columns
            for part, rows in _by_part(block.drop_columns([_BLOCK])):
                yield from reduce(part, rows)

    return dataset.repartition(partitions, keys=[_BLOCK]).map_batches(each, batch_size=None, batch_format="pyarrow")


_BLOCK = "block"


@cache
def _keys_apart(partitions: int) -> npt.NDArray[np.int64]:
    """Return a number for each part such that Ray hashes no two of them to one block.

    Hashed as they are, the parts of half the blocks would fall together: some tasks would hold several partitions, others none.
    Which block a part is in decides nothing but that, so were Ray's hashing to change, the result would stay the same.
    """
    from ray.data._internal.arrow_ops.transform_pyarrow import hash_partition

    keys = np.full(partitions, -1, dtype=np.int64)
    start = 0
    while (missing := np.flatnonzero(keys < 0)).size:
        numbers = pa.table({_BLOCK: np.arange(start, start + 4 * partitions, dtype=np.int64)})
        found = hash_partition(numbers, hash_cols=[_BLOCK], num_partitions=partitions)
        for block in set(missing.tolist()) & found.keys():
            keys[block] = found[block][_BLOCK][0].as_py()
        start += 4 * partitions
    return keys


def exchanged(
    parts: int, spread: Callable[[int], Iterator[pa.Table]], buckets: int, reduce: Callable[[int, pa.Table], Iterator[pa.Table]],
    small: bool,
) -> list[dict[str, object]]:
    """Let each of `parts` spread rows to the buckets that they name in `part`; return the rows that `reduce` yields of each bucket.

    A shuffle takes seconds however little it moves. So what is known to be `small` goes to one task, with the same result.
    """
    if not small:
        return list(shuffled(over_parts(parts, blocked(spread, buckets)), buckets, reduce).take_all())

    def some(numbers: range) -> pa.Table | None:
        tables = [table for part in numbers for table in spread(part)]
        return pa.concat_tables(tables) if tables else None

    def all_here(*tables: pa.Table | None) -> list[dict[str, object]]:
        found: list[dict[str, object]] = []
        given = [table for table in tables if table is not None]
        for bucket, rows in _by_part(pa.concat_tables(given)) if given else ():
            for result in reduce(bucket, rows):
                found += result.to_pylist()
        return found

    step = -(-parts // _SPREADING)
    spread_out = [task(some, range(start, min(start + step, parts))) for start in range(0, parts, step)]
    done: list[dict[str, object]] = ray.get(task(all_here, *spread_out))
    return done


def task(function: Callable[..., Any], *arguments: Any) -> Any:
    """Start a task in the pool of the corpus' workers; return the reference to what it returns."""
    return ray.remote(**IN_POOL)(function).remote(*arguments)


_SPREADING = 64
"""Tasks that read for one that takes all."""


def counted(folder: Folder, parts: int) -> int:
    """Return how many rows the partitions have together, from their footers; where there are many, on the cluster."""
    if parts <= _COUNTED_HERE:
        return sum(rows_of(folder, part) for part in range(parts))
    counts = over_parts(parts, lambda part: iter([pa.table({"rows": [rows_of(folder, part)]})]))
    return sum(row["rows"] for row in counts.iter_rows())


_COUNTED_HERE = 256


def rows_of(folder: Folder, part: int) -> int:
    """Return how many rows a partition has, from its footer; none if it was never written."""
    if not folder.exists(part_name(part)):
        return 0
    with folder.filesystem.open_input_file(folder.file(part_name(part))) as stream, pq.ParquetFile(stream) as file:
        return int(file.metadata.num_rows)


def _by_part(table: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    """Yield each value of `part` and its rows."""
    for part in np.unique(table["part"].to_numpy()):
        yield int(part), table.filter(pa.compute.equal(table["part"], pa.scalar(int(part), table["part"].type)))


def routed(
    source: Folder, schema: pa.Schema, buckets: int, parts: int, rows: int, limit: int,
    reduce: Callable[[int, pa.Table], Iterator[pa.Table]],
) -> list[dict[str, object]]:
    """Bring the rows of `buckets` partitions to the part that each names in its `part` column; return the rows that `reduce`
    yields.

    Args:
        source: Folder of the partitions, and
        schema: their schema, with `part` (int32).
        buckets: How many there are.
        parts: Where the rows go: 0 to parts - 1.
        rows: How many rows there are. Up to `limit` one task does it all, as a shuffle takes seconds however little it moves.
        limit: Rows that one task may hold.
        reduce: Given a part and all its rows, in no order that holds, writes and yields small tables.
    """
    return exchanged(buckets, lambda bucket: iter([read_part(source, bucket, schema)]), parts, reduce, small=rows <= limit)


def bucket_of(keys: npt.NDArray[np.uint64], buckets: int) -> npt.NDArray[np.int32]:
    """Return a bucket for each key, by its high 32 bits."""
    return (((keys >> np.uint64(32)) * np.uint64(buckets)) >> np.uint64(32)).astype(np.int32)
