"""The first step on Ray: files are read, cleaned, judged and signed where Ray puts the tasks, then shuffled into the partitions of
their ids. It is the only time that texts move.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import ray.data

from raylm.corpus.config import CorpusConfig
from raylm.corpus.dedup.signatures import bands_and_rows
from raylm.corpus.documents import Rows
from raylm.corpus.masks import MASKS
from raylm.corpus.origin import OriginFile, origin_hash
from raylm.corpus.parts import shuffled, write_part
from raylm.corpus.reach import check_root, this_node
from raylm.corpus.sources import KINDS, Record
from raylm.errors import UserError
from raylm.progress import Meter
from raylm.storage import Folder

_SUMS = ["raw_bytes", "read_bytes", "bytes", *(f"masked_{name}" for name in MASKS)]


def file_blocks(files: list[OriginFile], block_bytes: int) -> list[pa.Table]:
    """Cut a list of files into tables of about `block_bytes` of files each: one reading task takes one."""
    blocks: list[list[OriginFile]] = [[]]
    size = 0
    for file in files:
        if blocks[-1] and size + file.size > block_bytes:
            blocks.append([])
            size = 0
        blocks[-1].append(file)
        size += file.size + 2_000  # opening a file costs as much as reading a little
    return [
        pa.table({
            "source": pa.array([file.source for file in block], pa.int32()),
            "label": [file.label for file in block],
            "relative": [file.relative for file in block],
            "root": pa.array([os.fsencode(file.root) for file in block], pa.binary()),
            "path": pa.array([os.fsencode(file.path) for file in block], pa.binary()),
            "size": pa.array([file.size for file in block], pa.int64()),
        })
        for block in blocks
    ]


@dataclass(frozen=True)
class ReadFiles:
    """Turns a table of files into tables of `READ_SCHEMA`."""

    config: CorpusConfig
    parts: int
    bands: tuple[int, int]
    meter: Meter
    listed_on: str
    """The node that listed the files."""

    def __call__(self, files: pa.Table) -> Iterator[pa.Table]:
        """Yield the documents of these files, some hundred at a time.

        Raises:
            UserError: this node does not see a folder that the files are in.
        """
        rows = Rows(self.config, self.parts, self.bands)
        ranks = self.config.ranks()
        for source, root in sorted(set(zip(files["source"].to_pylist(), files["root"].to_pylist(), strict=True))):
            check_root(self.config.sources[source], os.fsdecode(root), self.listed_on)
        for file in files.to_pylist():
            source = self.config.sources[file["source"]]
            path, relative = Path(os.fsdecode(file["path"])), file["relative"]
            for record in KINDS[source.kind].documents(path, relative, source):
                row = record.index if isinstance(record, Record) and record.alone else None
                origin = origin_hash(file["label"], relative, row)
                rows.add(file["source"], ranks[file["source"]], origin, f"{file['label']}/{relative}", record)
                if len(rows.rows) >= self.config.batch_documents:
                    yield rows.table()
            self.meter.advance(file["size"] / 1e6)
        yield rows.table()


def summary(table: pa.Table) -> pa.Table:
    """Sum the rows of `READ_SCHEMA` by source, step and reason: `documents`, and each of the byte and mask counts."""
    grouped = table.group_by(["source", "step", "reason"]).aggregate([("id", "count"), *((name, "sum") for name in _SUMS)])
    return grouped.rename_columns({"id_count": "documents", **{f"{name}_sum": name for name in _SUMS}})


def ingest(files: list[OriginFile], config: CorpusConfig, parts: int, meter: Meter, folder: Folder) -> list[dict[str, object]]:
    """Read all files into `folder`, one Parquet file for each of `parts` partitions, sorted by id; return the summary rows.

    Raises:
        UserError: a node does not see a folder that was listed.
    """

    def write(part: int, rows: pa.Table) -> Iterator[pa.Table]:
        ordered = rows.sort_by("id")
        write_part(folder, part, ordered)
        yield summary(ordered)

    # Worked out here, not in each worker: datasketch takes seconds to import and to integrate.
    bands = bands_and_rows(config.dedup.threshold, config.dedup.permutations)
    reader = ReadFiles(config, parts, bands, meter, this_node())
    blocks = ray.data.from_arrow(file_blocks(files, config.read_block_bytes))
    read = blocks.map_batches(reader.__call__, batch_size=None, batch_format="pyarrow")
    try:
        return list(shuffled(read, parts, write).take_all())
    except UserError as error:
        # A worker's error comes as a child of its class with a traceback for a message; Ray Data adds lines of its own to it.
        raise UserError(str(getattr(error, "cause", error)).splitlines()[0]) from None
