"""Cutting repeated spans on Ray, whatever a span is: a shuffle of hashes finds which repeat, its answers go back to the partitions
that asked, and each partition cuts its texts. Only hashes and places move, never texts.

What a worker holds: the text of one partition; of a stretch of it (4 MB) the hashes of all spans; and in a shuffle the rows of
one block. Spans of substrings are at most one for each byte, of which only suspects are sent, 37 bytes each.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from raylm.corpus.dedup.cutting import Borders, character_ranges, snapped, without
from raylm.corpus.dedup.earlier import Earlier
from raylm.corpus.dedup.edges import preference
from raylm.corpus.dedup.keyed import node_rows
from raylm.corpus.dedup.occurrences import PLACE_BITS, grouped, precedence, repeats, resolved
from raylm.corpus.dedup.texts import I64, U64, Spans, Texts, ranges
from raylm.corpus.parts import bucket_of, exchanged, over_parts, part_name, read_part, routed, write_part
from raylm.corpus.steps.base import Corpus, Work
from raylm.corpus.steps.scope import scoped
from raylm.corpus.steps.state import changes_table
from raylm.storage import Folder

if TYPE_CHECKING:
    from raylm.corpus.steps.repeated import Repeated

SENT = pa.schema([("part", pa.int32()), ("high", pa.uint64()), ("low", pa.uint64()), ("precedence", pa.uint64()),
                  ("place", pa.int64()), ("count", pa.int32())])
REPLY = pa.schema([("part", pa.int32()), ("place", pa.int64()), ("first", pa.bool_())])
"""`place`: the byte of a partition's texts where the first occurrence of one of its stretches begins. `first`: of all there are."""
FINER = 8
"""Buckets to a block of a shuffle: whichever of them meet in one, it holds about its share."""
_FEW = 64
REASON = "only repeated text"


@dataclass(frozen=True)
class Loaded:
    """The documents of one partition that a step may touch."""

    part: int
    rows: I64
    """(documents,) their rows in the read partition."""
    precedence: U64
    """(documents,) whose copy stays."""
    texts: Texts


Find = Callable[[Loaded], Iterator[Spans]]
"""Returns a partition's spans, a stretch of text at a time; called twice for each partition, with equal results."""


def load(step: "Repeated", corpus: Corpus, earlier: Earlier, part: int) -> Loaded:
    """Read what a step may touch of a partition; or all of one of an earlier corpus, whose documents keep what they have."""
    if part >= corpus.parts:
        table = earlier.table(part, ["text"])
        return Loaded(part, np.arange(table.num_rows), np.zeros(table.num_rows, dtype=np.uint64), Texts.of(table["text"]))
    table = node_rows(step, corpus, part, ["id", "text"])
    table = table.filter(pa.array(scoped(step, table)))
    ranks = np.array([corpus.ranks.get(source, len(corpus.ranks)) for source in table["source"].to_pylist()], dtype=np.int64)
    scores = table[step.keep_by].cast(pa.float64()).to_numpy() if step.keep_by else None
    preferences = None if scores is None else preference(scores, len(scores), step.keep == "high")
    return Loaded(part, table["row"].to_numpy(), precedence(ranks, table["id"].to_pylist(), preferences), Texts.of(table["text"]))


def cut_repeats(
    step: "Repeated", corpus: Corpus, work: Work, find: Find, borders: Borders, buckets: int | None = None,
) -> dict[str, Any]:
    """Find which of a corpus' spans repeat, cut them, and return the figures of the report.

    Args:
        step: whose `keep`, `min_left` and scope hold.
        corpus: the documents.
        work: where the parts of the step are done.
        find: names a partition's spans.
        borders: to which cuts shrink.
        buckets: blocks of the shuffle; by default as many as partitions, those of earlier corpora with them.
    """
    earlier = Earlier.of(step.against, corpus.parts)
    total = corpus.parts + earlier.parts
    buckets = buckets or total

    def settle(folder: Folder) -> list[dict[str, Any]]:
        work.meter.begin(f"{work.label}: compare", "partitions", total)

        def send(part: int) -> Iterator[pa.Table]:
            return _sent(load(step, corpus, earlier, part), find, buckets * FINER, work)

        def reduce(bucket: int, rows: pa.Table) -> Iterator[pa.Table]:
            answers = answer_rows(rows)
            answers = answers.filter(pa.array(answers["part"].to_numpy() < corpus.parts))
            write_part(folder, bucket, answers)
            yield pa.table({"rows": [answers.num_rows]})

        return exchanged(total, send, buckets, reduce, is_small(corpus, earlier, step.bytes_in_one_task))

    answers = work.part_step("answers", settle)
    rows = sum(row["rows"] for row in answers)

    def deliver(folder: Folder) -> list[dict[str, Any]]:
        def write(part: int, found: pa.Table) -> Iterator[pa.Table]:
            write_part(folder, part, found.drop_columns(["part"]).sort_by("place"))
            yield pa.table({"part": [part], "rows": [found.num_rows]})

        return routed(work.folder("answers"), REPLY, buckets * FINER, corpus.parts, rows, step.rows_in_one_task, write)

    work.part_step("repeats", deliver)
    replies = work.folder("repeats")

    def cut(folder: Folder) -> list[dict[str, Any]]:
        work.meter.begin(f"{work.label}: cut", "partitions", corpus.parts)
        cutting = over_parts(corpus.parts, lambda part: _cut(step, corpus, earlier, part, work, find, borders, replies, folder))
        return list(cutting.take_all())

    done = work.changes(cut)
    return {name: sum(row[name] for row in done) for name in ("documents_cut", "documents_removed", "bytes_repeated", "bytes_cut")}


def is_small(corpus: Corpus, earlier: Earlier, limit: int) -> bool:
    """Whether the read texts have no more bytes than so many; one of many partitions, or with earlier ones, is not asked."""
    if earlier.parts or corpus.parts > _FEW:
        return False
    total = 0
    for part in range(corpus.parts):
        with corpus.read.filesystem.open_input_file(corpus.read.file(part_name(part))) as stream, pq.ParquetFile(stream) as file:
            column = file.schema_arrow.get_field_index("text")
            groups = [file.metadata.row_group(group) for group in range(file.metadata.num_row_groups)]
            total += sum(group.column(column).total_uncompressed_size for group in groups)
    return total <= limit


def sent_rows(loaded: Loaded, spans: Spans, buckets: int) -> pa.Table:
    """Return what a stretch's spans send (`SENT`): a row for each distinct one."""
    before = loaded.precedence[loaded.texts.document(spans.starts)]
    groups = grouped(spans.high, spans.low, before)
    leader = groups.leader
    return pa.table({
        "part": bucket_of(spans.high[leader], buckets), "high": spans.high[leader], "low": spans.low[leader],
        "precedence": before[leader], "place": spans.starts[leader] | (np.int64(loaded.part) << PLACE_BITS), "count": groups.count,
    }, schema=SENT)


def answer_rows(rows: pa.Table) -> pa.Table:
    """Return the answers (`REPLY`) to one bucket's rows, whatever order they come in: those of repeated spans."""
    places = rows["place"].to_numpy()
    high, low, before, counts = (rows[name].to_numpy() for name in ("high", "low", "precedence", "count"))
    repeated, first = resolved(high, low, before, places, counts)
    chosen = np.flatnonzero(repeated)
    chosen = chosen[np.argsort(places[chosen])]
    home = (places[chosen] >> PLACE_BITS).astype(np.int32)
    return pa.table({"part": home, "place": places[chosen] & ((1 << PLACE_BITS) - 1), "first": first[chosen]}, schema=REPLY)


def _sent(loaded: Loaded, find: Find, buckets: int, work: Work) -> Iterator[pa.Table]:
    yield SENT.empty_table()
    for spans in find(loaded):
        yield sent_rows(loaded, spans, buckets)
    work.meter.advance()


def repeated_ranges(loaded: Loaded, find: Find, replies: pa.Table, keep_first: bool) -> tuple[I64, I64]:
    """Return the ranges of a partition's bytes that are to be cut, given the answers, sorted by place."""
    places, first = replies["place"].to_numpy(), replies["first"].to_numpy()
    starts, ends = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for spans in find(loaded) if len(places) else ():
        before = loaded.precedence[loaded.texts.document(spans.starts)]
        chosen = repeats(grouped(spans.high, spans.low, before), spans.starts, places, first, keep_first)
        found = ranges(loaded.texts, spans.starts[chosen], spans.ends[chosen])
        starts.append(found[0])
        ends.append(found[1])
    return ranges(loaded.texts, np.concatenate(starts), np.concatenate(ends))


@dataclass(frozen=True)
class Cut:
    """What is left of one document."""

    document: int
    text: str
    cut: int
    """Characters cut; 0 if no border let anything be cut."""


def cut_texts(texts: Texts, starts: I64, ends: I64, borders: Borders) -> Iterator[Cut]:
    """Yield the documents that have ranges in them, cut."""
    if not len(starts):
        return
    owners = texts.document(starts)
    edges = np.flatnonzero(np.append(True, owners[1:] != owners[:-1]))
    for low, high in zip(edges, np.append(edges[1:], len(owners)), strict=True):
        document = int(owners[low])
        base = texts.offsets[document]
        raw = texts.bytes_of(document)
        found = character_ranges(raw, zip((starts[low:high] - base).tolist(), (ends[low:high] - base).tolist(), strict=True))
        text = raw.decode()
        found = snapped(text, found, borders)
        yield Cut(document, without(text, found), sum(end - begin for begin, end in found))


def _cut(step: "Repeated", corpus: Corpus, earlier: Earlier, part: int, work: Work, find: Find, borders: Borders, replies: Folder,
         folder: Folder) -> Iterator[pa.Table]:
    known = read_part(replies, part, pa.schema([field for field in REPLY if field.name != "part"]))
    figures = {"documents_cut": 0, "documents_removed": 0, "bytes_repeated": 0, "bytes_cut": 0}
    if known.num_rows:
        loaded = load(step, corpus, earlier, part)
        starts, ends = repeated_ranges(loaded, find, known, step.keep != "none")
        rows, texts, reasons = [], [], []
        for done in cut_texts(loaded.texts, starts, ends, borders):
            if done.cut:
                gone = len(done.text.strip()) < max(step.min_left, 1)
                rows.append(int(loaded.rows[done.document]))
                texts.append(None if gone else done.text)
                reasons.append(REASON if gone else None)
                size = len(loaded.texts.bytes_of(done.document))
                figures["bytes_cut"] += size if gone else size - len(done.text.encode())
        figures |= {"documents_cut": reasons.count(None), "documents_removed": reasons.count(REASON),
                    "bytes_repeated": int((ends - starts).sum())}
        if rows:
            write_part(folder, part, changes_table(rows, work.label, text=texts, reason=reasons))
    work.meter.advance()
    yield pa.table({name: [value] for name, value in figures.items()})
