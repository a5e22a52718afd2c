"""Pairs as a table on disk: one pass of Ray Data over a corpus, and how the result is read.

Layout: `<split>/part-00000.parquet ...` sorted by key, and, written last, `index.json`: {kind, share, splits:
{train|heldout: {files: {name: rows}, pairs, found}}}. A file may hold more rows than the index names: those are beyond
the limit and never read.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import ray
import ray.data

from raylm.errors import UserError
from raylm.posttrain.pairs.collect import PARTS, SPLITS, collect, distinct, of_split, within
from raylm.posttrain.pairs.config import PairsConfig
from raylm.posttrain.pairs.kinds import KINDS, Kind
from raylm.progress import Meter
from raylm.storage import Folder

INDEX = "index.json"
_COUNTS = pa.schema([("part", pa.int32()), ("split", pa.string()), ("rows", pa.int64())])


def write_pairs(documents: Folder, output: Folder, config: PairsConfig, heldout_fraction: float,
                meter: Meter) -> dict[str, Any]:
    """Fill `output` with the pairs of a corpus's documents, and return its index. A complete earlier one is kept.

    Raises:
        UserError: the corpus gives no pair to train on or none to measure with.
    """
    if output.exists(INDEX):
        return read_index(output)
    names = list(KINDS) if config.kind == "auto" else [config.kind]
    for name in names:
        index = _write_kind(documents, output, KINDS[name], config, heldout_fraction, meter)
        enough = 1 if name == names[-1] else config.enough
        if index["splits"]["train"]["pairs"] >= enough and index["splits"]["heldout"]["pairs"]:
            output.write_json(INDEX, index)
            return index
    counts = ", ".join(f"{index['splits'][split]['pairs']} {split}" for split in SPLITS)
    raise UserError(f"the corpus gives too few {names[-1]} for post-training ({counts}; at least 1 of each is needed): "
                    "add text, or raise tokenize.heldout_fraction if none are held out")


def read_index(folder: Folder) -> dict[str, Any]:
    """Return the index of a folder that `write_pairs` filled."""
    return dict(folder.read_json(INDEX))


def read_parts(folder: Folder, split: str) -> Iterator[pa.Table]:
    """Yield a split's pairs one partition at a time, lowest keys first: columns `id`, `key` and the kind's own."""
    for name in read_index(folder)["splits"][split]["files"]:
        yield read_part(folder, split, name)


def read_part(folder: Folder, split: str, name: str) -> pa.Table:
    """Return one partition of a split, without the rows beyond the limit."""
    rows = read_index(folder)["splits"][split]["files"][name]
    place = folder.child(split)
    return pq.read_table(place.file(name), filesystem=place.filesystem, partitioning=None).slice(0, rows)


def read_pairs(folder: Folder, split: str, limit: int) -> list[Any]:
    """Return the `limit` pairs with the lowest keys, as the kind's own dataclass (`Function`, `Continuation`).

    A bounded sample: what grows with the corpus goes through `read_parts`.
    """
    kind = KINDS[read_index(folder)["kind"]]
    pairs: list[Any] = []
    for part in read_parts(folder, split):
        pairs += kind.pairs(part.slice(0, limit - len(pairs)).to_pydict())
        if len(pairs) >= limit:
            break
    return pairs


def _write_kind(documents: Folder, output: Folder, kind: Kind, config: PairsConfig, heldout_fraction: float,
                meter: Meter) -> dict[str, Any]:
    output.clear()  # of an attempt that was killed, or of a kind that gave too few
    output.create()
    paths = [documents.file(name) for name in documents.names(".parquet")]
    if not paths:
        raise UserError(f"{documents.uri}: no documents (*.parquet) to take pairs from")
    rows, size = _extent(documents, paths)
    share = min(1.0, config.read_megabytes * 1e6 / max(size, 1))
    meter.begin(f"pairs: {kind.name}", "documents", rows)
    found = ray.data.read_parquet(paths, filesystem=documents.filesystem, columns=["id", "text"]).map_batches(
        _Collect(kind.name, heldout_fraction, share, meter), batch_format="pyarrow", batch_size=256)
    # A block may hold several partitions: on few cores fewer reducers mean fewer processes to start, for the same files.
    reducers = max(1, min(PARTS, int(ray.cluster_resources().get("CPU", 1))))
    written = found.repartition(reducers, keys=["part"]).map_batches(
        _Write(kind.name, output), batch_format="pyarrow", batch_size=None)
    counts = written.take_all()  # three small values for each file
    limits = {"train": config.limit, "heldout": config.heldout_limit}
    splits = {split: _split(counts, split, limits[split]) for split in SPLITS}
    return {"kind": kind.name, "share": share, "splits": splits}


def _split(counts: list[dict[str, Any]], split: str, limit: int) -> dict[str, Any]:
    found = {row["part"]: row["rows"] for row in counts if row["split"] == split}
    kept = within(found, limit)
    return {"files": {_file(part): rows for part, rows in kept.items()}, "pairs": sum(kept.values()),
            "found": sum(found.values())}


def _extent(documents: Folder, paths: list[str]) -> tuple[int, int]:
    """Rows of Parquet files and bytes of their `text` column, from the footers alone."""
    rows = size = 0
    for path in paths:
        metadata = pq.read_metadata(path, filesystem=documents.filesystem)
        column = metadata.schema.names.index("text")
        rows += metadata.num_rows
        groups = (metadata.row_group(index) for index in range(metadata.num_row_groups))
        size += sum(group.column(column).total_uncompressed_size for group in groups)
    return rows, size


def _file(part: int) -> str:
    return f"part-{part:05d}.parquet"


@dataclass(frozen=True)
class _Collect:
    """The map over documents."""

    kind: str
    heldout_fraction: float
    share: float
    meter: Meter

    def __call__(self, documents: pa.Table) -> pa.Table:
        pairs = collect(documents, KINDS[self.kind], self.heldout_fraction, self.share)
        self.meter.advance(documents.num_rows)
        return pairs


@dataclass(frozen=True)
class _Write:
    """The map over blocks that hold whole partitions: each becomes one file a split, equal at every retry."""

    kind: str
    output: Folder

    def __call__(self, block: pa.Table) -> pa.Table:
        kind, counts = KINDS[self.kind], []
        for part in sorted(set(block["part"].to_pylist())):
            pairs = distinct(block.filter(pc.equal(block["part"], part)), kind)
            for split in SPLITS:
                rows = of_split(pairs, split, kind)
                if rows.num_rows:
                    stream = io.BytesIO()
                    pq.write_table(rows, stream, compression="zstd")
                    self.output.child(split).write_bytes(_file(part), stream.getvalue())
                    counts.append({"part": part, "split": split, "rows": rows.num_rows})
        return pa.Table.from_pylist(counts, schema=_COUNTS)
