"""Decontamination on Ray: one task reads the evaluation sets into a table of n-grams, each partition's task looks its documents up.

The table's size is bounded (`most_grams`, 35 bytes each in every worker). A worker holds besides it the text of one partition.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import ray

from raylm.corpus.dedup.cutting import widened, without
from raylm.corpus.dedup.evaluation_sets import items
from raylm.corpus.dedup.ngrams import Matches, Searched, matches, searched, stretches, word_places
from raylm.corpus.parts import over_parts, read_part, task, write_part
from raylm.corpus.steps.base import Corpus, Work
from raylm.corpus.steps.scope import scope_columns, scoped
from raylm.corpus.steps.state import changes_table
from raylm.errors import UserError
from raylm.storage import Folder

if TYPE_CHECKING:
    from raylm.corpus.steps.decontaminate import Decontaminate

GRAMS = pa.schema([("length", pa.int32()), ("hash", pa.uint64()), ("check", pa.uint64()), ("item", pa.int64())])
ITEMS = pa.schema([("set", pa.string()), ("file", pa.string()), ("row", pa.int64())])
MATCHES = pa.schema([
    ("id", pa.string()), ("source", pa.string()), ("path", pa.string()), ("set", pa.string()), ("file", pa.string()),
    ("item", pa.int64()), ("grams", pa.int64()), ("begin", pa.int64()), ("text", pa.string()),
])
"""A row for each document and item: how many of the document's n-grams are the item's (one that several items have counts for the
first of them), the character where the first begins, and the text from there to the end of the stretch, cut at 500."""
_SHOWN = 500


def decontaminate(step: "Decontaminate", corpus: Corpus, work: Work) -> dict[str, Any]:
    """Do the step; return the figures of the report, some matches, and which folder holds all."""
    work.meter.begin(f"{work.label}: read evaluation sets", "", None)

    def read(folder: Folder) -> list[dict[str, Any]]:
        done: list[dict[str, Any]] = ray.get(task(read_sets, step, folder, work.folder("items")))
        return done

    sets = work.part_step("grams", read, ("items",))
    grams, named = work.folder("grams"), work.folder("items")

    def search(folder: Folder) -> list[dict[str, Any]]:
        work.meter.begin(f"{work.label}: search", "partitions", corpus.parts)
        into = folder, work.folder("cuts")
        return list(over_parts(corpus.parts, lambda part: _search(step, corpus, part, work, (grams, named), into)).take_all())

    found = work.part_step("matches", search, ("cuts",))
    cuts = work.folder("cuts")

    def change(folder: Folder) -> list[dict[str, Any]]:
        work.meter.begin(f"{work.label}: remove", "partitions", corpus.parts)
        return list(over_parts(corpus.parts, lambda part: _change(step, corpus, part, work, cuts, folder)).take_all())

    done = work.changes(change)
    figures = {name: sum(row[name] for row in done) for name in ("documents_removed", "documents_cut")}
    shown = listed(work.folder("matches"), corpus.parts, step.listed)
    order = [one.name for one in step.sets]
    ordered = sorted(sets, key=lambda row: order.index(row["set"]))
    return {"sets": ordered, **figures, "matches": sum(row["matches"] for row in found), "listed": shown,
            "publish": {"matches": f"{work.name}-matches"}}


def listed(folder: Folder, parts: int, limit: int) -> list[dict[str, Any]]:
    """Return some matches: of the first partitions, until there are enough."""
    rows: list[dict[str, Any]] = []
    for part in range(parts):
        if len(rows) < limit:
            rows += read_part(folder, part, MATCHES).slice(0, limit - len(rows)).to_pylist()
    return rows


def read_sets(step: "Decontaminate", grams: Folder, named: Folder) -> list[dict[str, Any]]:
    """Write the n-grams of the sets and their items; return what there is of each set.

    Raises:
        UserError: a set cannot be read, or there are too many n-grams.
    """
    names: list[dict[str, Any]] = []

    def texts() -> Iterator[tuple[int, int, str]]:
        for number, one in enumerate(step.sets):
            for path in one.paths:
                for file, row, found in items(path, one.columns):
                    names.append({"set": one.name, "file": file.rpartition("/")[2], "row": row})
                    for text in found or [""]:
                        yield number, len(names) - 1, text

    try:
        table, short = searched(texts(), step.n, step.least, step.unspaced, step.most_items, step.most_grams)
    except OverflowError as error:
        raise UserError(f"decontaminate: the evaluation sets have {error}; give `columns`, or raise `most_grams`") from None
    write_part(grams, 0, pa.table({"length": table.length, "hash": table.hashes, "check": table.checks, "item": table.item}, GRAMS))
    write_part(named, 0, pa.Table.from_pylist(names, ITEMS))
    too_short = set(short.tolist())
    owners = [row["set"] for row in names]
    return [{"set": one.name, "items": owners.count(one.name),
             "too_short": sum(1 for item in too_short if owners[item] == one.name)} for one in step.sets]


@lru_cache(maxsize=1)
def table_of(grams: Folder) -> Searched:
    """Return the n-grams, read once in a worker."""
    table = read_part(grams, 0, GRAMS)
    length, hashes, checks, item = (table[name].to_numpy() for name in GRAMS.names)
    return Searched(length, hashes, checks, item)


CUTS = pa.schema([("row", pa.int64()), ("set", pa.string()), ("begins", pa.list_(pa.int64())), ("ends", pa.list_(pa.int64()))])
"""A row for each document that has matches: the set of the first item, and the stretches of characters that items have too."""


def _documents(step: "Decontaminate", corpus: Corpus, part: int) -> pa.Table:
    table = corpus.rows(part, [*dict.fromkeys(["id", "source", "path", *scope_columns(step), "text"])])
    return table.filter(pa.array(scoped(step, table)))


def _search(step: "Decontaminate", corpus: Corpus, part: int, work: Work, known: tuple[Folder, Folder], into: tuple[Folder, Folder],
            ) -> Iterator[pa.Table]:
    grams = table_of(known[0])
    table = _documents(step, corpus, part)
    found = matches((text.as_py() for text in table["text"]), grams)
    rows, cuts = match_rows(table, found, grams, read_part(known[1], 0, ITEMS))
    write_part(into[0], part, rows)
    write_part(into[1], part, cuts)
    work.meter.advance()
    yield pa.table({"part": [part], "matches": [rows.num_rows]})


def match_rows(table: pa.Table, found: Matches, grams: Searched, named: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the matches (`MATCHES`) of a partition's documents, sorted by id, then item, and what of them to cut (`CUTS`)."""
    rows: list[dict[str, Any]] = []
    cuts: list[dict[str, Any]] = []
    for document in np.unique(found.document):
        low, high = np.searchsorted(found.document, [document, document + 1])
        word, gram = found.word[low:high], found.gram[low:high]
        origin = table.slice(int(document), 1).select(["id", "source", "path", "row", "text"]).to_pylist()[0]
        text, row = origin.pop("text"), origin.pop("row")
        places = word_places(text)
        begins, ends = places[word, 0], places[word + grams.length[gram] - 1, 1]
        owners = grams.item[gram]
        for item in np.unique(owners):
            own = owners == item
            begin, end = stretches(begins[own], ends[own])[0]
            of = named.slice(int(item), 1).to_pylist()[0]
            rows.append({**origin, "set": of["set"], "file": of["file"], "item": of["row"], "grams": int(own.sum()), "begin": begin,
                         "text": text[begin : min(end, begin + _SHOWN)]})
        first, last = zip(*stretches(begins, ends), strict=True)
        cuts.append({"row": row, "set": named["set"][int(owners.min())].as_py(), "begins": first, "ends": last})
    return pa.Table.from_pylist(rows, MATCHES), pa.Table.from_pylist(cuts, CUTS)


def _change(step: "Decontaminate", corpus: Corpus, part: int, work: Work, cuts: Folder, folder: Folder) -> Iterator[pa.Table]:
    found = read_part(cuts, part, CUTS)
    rows, sets = found["row"].to_pylist(), found["set"].to_pylist()
    reasons: list[str | None] = [f"in evaluation set {name}" for name in sets]
    texts: list[str | None] = [None] * len(rows)
    if step.action == "span" and rows:
        table = _documents(step, corpus, part)
        table = table.filter(pa.compute.is_in(table["row"], value_set=found["row"].combine_chunks()))
        for index, text in enumerate(table["text"]):
            begins, ends = (found[name][index].as_py() for name in ("begins", "ends"))
            left = cut_around(text.as_py(), begins, ends, step.margin, step.most_cuts)
            if left is not None and len(left.strip()) >= max(step.min_left, 1):
                texts[index], reasons[index] = left, None
    if rows:
        write_part(folder, part, changes_table(rows, work.label, reason=reasons, text=texts))
    work.meter.advance()
    removed = sum(1 for reason in reasons if reason is not None)
    yield pa.table({"documents_removed": [removed], "documents_cut": [len(rows) - removed]})


def cut_around(text: str, begins: list[int], ends: list[int], margin: int, most_cuts: int) -> str | None:
    """Return a text without ranges and `margin` characters around each, no word cut; None if more than `most_cuts` are apart."""
    wide = stretches(np.maximum(np.array(begins) - margin, 0), np.minimum(np.array(ends) + margin, len(text)))
    if len(wide) > most_cuts:
        return None
    return without(text, [widened(text, begin, end) for begin, end in wide])
