"""The read stage on Ray: files are read, cleaned and measured where Ray puts the tasks, then shuffled into the partitions of their
ids. It is the only time that texts move. No threshold is known here: what the steps of the corpus decide, they decide from columns.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import ray.data

from raylm.corpus.config import CorpusConfig
from raylm.corpus.listing import list_files
from raylm.corpus.markers import FOLDER, Markers, Result
from raylm.corpus.masks import MASKS
from raylm.corpus.measures.base import Measure
from raylm.corpus.origin import origin_hash
from raylm.corpus.parts import set_context, shuffled, write_part
from raylm.corpus.reach import check_root, this_node
from raylm.corpus.read.files import file_blocks, files_of
from raylm.corpus.read.rows import Rows
from raylm.corpus.read.schema import masked_column, read_schema
from raylm.corpus.sources import KINDS, Record
from raylm.errors import UserError
from raylm.progress import Meter
from raylm.stage import Outcome, StageContext
from raylm.storage import Folder

DOCUMENTS = "documents"
_SUMS = ["raw_bytes", "read_bytes", "bytes", *(masked_column(kind) for kind in MASKS)]


def build(ctx: StageContext[CorpusConfig]) -> Outcome:
    """Fill `documents/`: Parquet partitions by a hash of the id, sorted by id, of all that was found, read or not.

    Raises:
        UserError: a folder is missing, on any node, or holds no file, or not one of them could be read.
    """
    set_context()
    markers = Markers(ctx.output)
    started = time.monotonic()
    rows = markers.kept("read") or _make(ctx, markers)
    if not any(row["unread"] is None for row in rows):
        raise UserError(f"corpus: none of {_sum(rows, 'documents')} documents can be read: {_unread(rows)}")
    markers.clear("read")
    return _outcome(rows, time.monotonic() - started)


def _make(ctx: StageContext[CorpusConfig], markers: Markers) -> Result:
    config = ctx.config
    files = list_files(config)
    parts = config.partitions_for(sum(file.text_bytes for file in files))
    measures = config.measures()
    size = sum(file.size for file in files)
    ctx.meter.begin("read, clean and measure", "MB", size / 1e6)
    reader = ReadFiles(config, parts, measures, ctx.meter, this_node())

    def make(_: Folder) -> Result:
        folder = ctx.output.child(DOCUMENTS)
        rows = _shuffle(ray.data.from_arrow(file_blocks(files, config.read_block_bytes)), reader, parts, folder)
        empty = read_schema(measures).empty_table()
        for part in set(range(parts)) - {int(name[5:10]) for name in folder.names(".parquet")}:
            write_part(folder, part, empty)
        return rows

    return markers.run("read", make, fills=(DOCUMENTS,))


@dataclass(frozen=True)
class ReadFiles:
    """Turns a table of files into tables of documents."""

    config: CorpusConfig
    parts: int
    measures: Sequence[Measure]
    meter: Meter
    listed_on: str
    """The node that listed the files."""

    def __call__(self, files: pa.Table) -> Iterator[pa.Table]:
        """Yield the documents of these files, some hundred or some megabytes at a time.

        Raises:
            UserError: this node does not see a folder that the files are in.
        """
        rows = Rows(self.config, self.measures, self.parts)
        listed = files_of(files)
        for number, root in sorted({(file.source, file.root) for file in listed}):
            check_root(self.config.sources[number], root, self.listed_on)
        for file in listed:
            source = self.config.sources[file.source]
            for record in KINDS[source.kind].documents(file.path, file.relative, source):
                alone = record.index if isinstance(record, Record) and record.alone else None
                origin = origin_hash(file.label, file.relative, alone)
                rows.add(file.source, origin, f"{file.label}/{file.relative}", record)
                if len(rows) >= self.config.batch_documents or rows.characters >= self.config.batch_characters:
                    yield rows.table()
            self.meter.advance(file.size / 1e6)
        yield rows.table()


def _shuffle(files: ray.data.Dataset, reader: ReadFiles, parts: int, folder: Folder) -> Result:
    def write(part: int, rows: pa.Table) -> Iterator[pa.Table]:
        ordered = rows.sort_by("id").drop_columns(["part"])
        write_part(folder, part, ordered)
        yield summary(ordered)

    read = files.map_batches(reader.__call__, batch_size=None, batch_format="pyarrow")
    try:
        return list(shuffled(read, parts, write).take_all())
    except UserError as error:
        # A worker's error comes as a child of its class with a traceback for a message; Ray Data adds lines of its own to it.
        raise UserError(str(getattr(error, "cause", error)).splitlines()[0]) from None


def summary(table: pa.Table) -> pa.Table:
    """Sum a partition's rows by source, reason for not being read, and language: `documents`, and each of the byte and mask
    counts."""
    grouped = table.group_by(["source", "unread", "language"], use_threads=False).aggregate(
        [("id", "count"), *((name, "sum") for name in _SUMS)])
    return grouped.rename_columns({"id_count": "documents", **{f"{name}_sum": name for name in _SUMS}})


def _sum(rows: Result, key: str) -> int:
    return sum(row[key] for row in rows)


def _unread(rows: Result) -> dict[str, int]:
    reasons: dict[str, int] = {}
    for row in rows:
        if row["unread"] is not None:
            reasons[row["unread"]] = reasons.get(row["unread"], 0) + row["documents"]
    return dict(sorted(reasons.items()))


def _outcome(rows: Result, seconds: float) -> Outcome:
    """Sum the partitions' rows by source: the report draws its funnel from the corpus stage, which takes these sums over."""
    sums: dict[tuple[str, str | None], dict[str, Any]] = {}
    for row in rows:
        entry = sums.setdefault((row["source"], row["unread"]), {"source": row["source"], "unread": row["unread"]})
        for name in ("documents", *_SUMS):
            entry[name] = entry.get(name, 0) + row[name]
    found = [sums[key] for key in sorted(sums, key=str)]
    languages: dict[str, list[int]] = {}
    for row in rows:
        if row["unread"] is None:
            count = languages.setdefault(row["language"] or "", [0, 0])
            count[0], count[1] = count[0] + row["documents"], count[1] + row["bytes"]
    text = [row for row in found if row["unread"] is None]
    raw = _sum(found, "raw_bytes")
    masked = sum(row[masked_column(kind)] for row in text for kind in MASKS)
    return Outcome(
        metrics={"read": found, "unread": _unread(found), "languages": dict(sorted(languages.items()))},
        headline={"documents": f"{_sum(text, 'documents'):,} of {_sum(found, 'documents'):,}",
                  "text": f"{_sum(text, 'bytes') / 1e6:,.1f} MB of {raw / 1e6:,.1f} MB", "masked": f"{masked:,}"},
        counts_in={"documents": _sum(found, "documents"), "bytes": raw},
        counts_out={"documents": _sum(text, "documents"), "bytes": _sum(text, "bytes")},
        cost={"seconds_reading": round(seconds, 2), "megabytes_per_second": raw / 1e6 / max(seconds, 1e-9)},
        scratch=(FOLDER,),
    )


