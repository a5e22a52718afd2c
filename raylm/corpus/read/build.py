"""The read stage on Ray: files are read, cleaned and measured where Ray puts the tasks, then shuffled into the partitions of their
ids. It is the only time that texts move. No threshold is known here: what the steps of the corpus decide, they decide from columns.
"""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import pyarrow as pa

from raylm.corpus.config import CorpusConfig
from raylm.corpus.listing import list_files
from raylm.corpus.markers import FOLDER, Markers, Result
from raylm.corpus.masks import MASKS
from raylm.corpus.measures.base import Measure
from raylm.corpus.origin import OriginFile, origin_hash
from raylm.corpus.parts import blocked, each_block, over_parts, part_name, read_part, set_context, shuffled, write_part
from raylm.corpus.plain_errors import plain_errors
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
    ctx.meter.begin("read, clean and measure", "MB", sum(file.size for file in files) / 1e6)
    reader = ReadFiles(config, parts, measures, ctx.meter, this_node())
    groups = in_groups(files, config.read_group_bytes)
    documents = ctx.output.child(DOCUMENTS)

    def read(group: list[OriginFile], folder: Folder) -> Result:
        return _shuffle(file_blocks(group, config.read_block_bytes), reader, parts, folder)

    def whole(rows: Result) -> Result:
        empty = read_schema(measures).empty_table()
        for part in set(range(parts)) - {int(name[5:10]) for name in documents.names(".parquet")}:
            write_part(documents, part, empty)
        return rows

    if len(groups) == 1:
        return markers.run("read", lambda _: whole(read(files, documents)), fills=(DOCUMENTS,))
    names: list[str] = []
    for group in groups:
        names.append(_group_name(len(names), group))
        if markers.kept(names[-1]) is not None:
            ctx.meter.advance(sum(file.size for file in group) / 1e6)
        markers.run(names[-1], lambda folder, group=group: read(group, folder))  # type: ignore[misc]
    ctx.meter.begin("bring the groups together", "partitions", parts)
    folders = [markers.folder.child(name) for name in names]

    def join(part: int) -> Iterator[pa.Table]:
        found = [read_part(folder, part, read_schema(measures)) for folder in folders if folder.exists(part_name(part))]
        if found:
            yield from _write(documents, part, pa.concat_tables(found))
        ctx.meter.advance()

    return markers.run("read", lambda _: whole(_added(over_parts(parts, join).iter_rows())), fills=(DOCUMENTS,))


def in_groups(files: Sequence[OriginFile], group_bytes: int) -> list[list[OriginFile]]:
    """Cut a list of files into runs of about `group_bytes`, each of one file at least."""
    groups: list[list[OriginFile]] = [[]]
    size = 0
    for file in files:
        if groups[-1] and size + file.size > group_bytes:
            groups.append([])
            size = 0
        groups[-1].append(file)
        size += file.size
    return groups


def _group_name(number: int, group: Sequence[OriginFile]) -> str:
    """Name a group by what is in it: after a change of `read_group_bytes` no group passes for another."""
    digest = blake2b(digest_size=8)
    for file in group:
        digest.update(f"{file.source}/{file.label}/".encode() + os.fsencode(file.relative) + b"\n")
    return f"read-{number:05d}-{digest.hexdigest()}"


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


def _shuffle(files: list[pa.Table], reader: ReadFiles, parts: int, folder: Folder) -> Result:
    read = each_block(files, blocked(reader, parts))
    with plain_errors():
        written = shuffled(read, parts, lambda part, rows: _write(folder, part, rows.drop_columns(["part"])))
        return _added(written.iter_rows())


def _write(folder: Folder, part: int, rows: pa.Table) -> Iterator[pa.Table]:
    """Write a partition in order of id; yield its sums."""
    ordered = rows.sort_by("id")
    write_part(folder, part, ordered)
    yield summary(ordered)


def _added(rows: Iterable[dict[str, Any]]) -> Result:
    """Add up the partitions' sums as they come: nothing grows with the partitions."""
    sums: dict[tuple[str, str | None, str | None], dict[str, Any]] = {}
    for row in rows:
        entry = sums.setdefault((row["source"], row["unread"], row["language"]),
                                {name: row[name] for name in ("source", "unread", "language")})
        for name in ("documents", *_SUMS):
            entry[name] = entry.get(name, 0) + (row[name] or 0)
    return list(sums.values())


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


