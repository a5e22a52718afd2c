"""The last step on Ray: each partition's rows and all the steps' changes become the artifact's tables, without another shuffle.

It is also where the funnel is counted: the changes are folded in the order of the steps, so every document that was read is in the
sums exactly once, removed by one step or kept.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from raylm.corpus.dedup.earlier import FINGERPRINTS
from raylm.corpus.dedup.signatures import content_key
from raylm.corpus.document import Document
from raylm.corpus.measures.base import Measure
from raylm.corpus.parts import over_parts, read_part, write_part
from raylm.corpus.read.schema import read_columns
from raylm.corpus.steps.anew import replaced
from raylm.corpus.steps.base import Corpus
from raylm.corpus.steps.state import CHANGES
from raylm.progress import Meter
from raylm.storage import Folder

DOCUMENTS = pa.schema([("id", pa.string()), ("source", pa.string()), ("path", pa.string()), ("text", pa.large_string()),
                       ("bytes", pa.int64()), ("language", pa.string()), ("url", pa.string()), ("cluster_size", pa.int64())])
"""What stays. `cluster_size`: the document itself and those that were removed for it, by any step; its id names the cluster."""
REMOVED = pa.schema([("id", pa.string()), ("source", pa.string()), ("path", pa.string()), ("step", pa.string()),
                     ("reason", pa.string()), ("bytes", pa.int64()), ("duplicate_of", pa.string()),
                     ("duplicate_in", pa.string()), ("similarity", pa.float64()), ("cluster_size", pa.int64())])
"""What went. `duplicate_of`: the id of the document that stands for it; `duplicate_in`: the earlier corpus that has it, as the
recipe's `against` names it, null for this one."""
UNREAD = "read"
"""The step of what could not be read."""
FILLS = ("documents", "removed", FINGERPRINTS)
_SAMPLES, _EXCERPT = 5, 280
_TAKEN = ["id", "source", "path", "text", "bytes", "language", "url", "unread"]


def publish(output: Folder, corpus: Corpus, fingerprints: Sequence[str], meter: Meter) -> list[dict[str, Any]]:
    """Write the tables; return per partition the sums of `_counted`.

    Args:
        output: the artifact's folder; its `FILLS` are written.
        corpus: with the changes of all steps.
        fingerprints: columns that a later corpus needs to be compared with this one.
        meter: progress.
    """
    meter.begin("write documents", "partitions", corpus.parts)
    columns = [*_TAKEN, *(name for name in fingerprints if name not in _TAKEN)]

    def each(part: int) -> Iterator[pa.Table]:
        rows = read_columns(corpus.read, corpus.scores, part, columns)
        changes = [read_part(folder, part, CHANGES) for folder in corpus.changes]
        documents, removed, sums = split(rows, changes)
        write_part(output.child("documents"), part, documents.select(DOCUMENTS.names))
        write_part(output.child("removed"), part, removed)
        write_part(output.child(FINGERPRINTS), part, fingerprinted(documents, fingerprints, corpus.measures))
        meter.advance()
        yield pa.Table.from_pylist(sums, schema=_SUMS)

    return added(over_parts(corpus.parts, each).iter_rows())


def fingerprinted(documents: pa.Table, names: Sequence[str], measures: Sequence[Measure]) -> pa.Table:
    """Return the ids and fingerprints of kept documents: those of the texts that are published, which a step may have changed."""
    edited = np.flatnonzero(documents["edited"].to_numpy())
    table = documents.select(["id", *names])
    if not len(edited):
        return table
    texts = documents["text"].take(pa.array(edited)).to_pylist()
    keys = [content_key(text) for text in texts]
    anew: dict[str, Sequence[Any]] = {"key": [key >> 64 for key in keys], "key_low": [key & ((1 << 64) - 1) for key in keys]}
    for measure in measures:
        if measure.columns.keys() & set(names):
            anew |= measure.measure([Document(text) for text in texts])
    return replaced(table, edited, anew)


def added(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add up the partitions' sums as they come, and keep the samples with the smallest ids: nothing grows with the partitions."""
    sums: dict[tuple[str, str, str | None], dict[str, Any]] = {}
    for row in rows:
        entry = sums.setdefault((row["step"], row["source"], row["reason"]),
                                {"step": row["step"], "source": row["source"], "reason": row["reason"], **dict.fromkeys(_COUNTS, 0),
                                 "samples": []})
        for name in _COUNTS:
            entry[name] += row[name] or 0
        entry["samples"] = sorted([*entry["samples"], *(row["samples"] or [])], key=lambda sample: sample["id"])[:_SAMPLES]
    return list(sums.values())


_COUNTS = ("documents", "bytes", "edited", "edited_bytes")

_SUMS = pa.schema([("step", pa.string()), ("source", pa.string()), ("reason", pa.string()), ("documents", pa.int64()),
                   ("bytes", pa.int64()), ("edited", pa.int64()), ("edited_bytes", pa.int64()),
                   ("samples", pa.list_(pa.struct([("id", pa.string()), ("path", pa.string()), ("text", pa.string())])))])
"""By step, source and reason: documents removed and their bytes then; of a null reason, documents that the step changed and the
bytes that it took from them. Of an empty step: what is kept."""


def split(rows: pa.Table, changes: Sequence[pa.Table]) -> tuple[pa.Table, pa.Table, list[dict[str, Any]]]:
    """Divide one partition's rows, sorted by id, into kept documents (with `edited`: a step changed the text) and `REMOVED`,
    both still sorted by id; and the sums of both."""
    count = rows.num_rows
    texts, sizes = rows["text"].to_pylist(), rows["bytes"].to_numpy().copy()
    sources = np.array(rows["source"].to_pylist(), dtype=object)
    ids, paths = rows["id"].to_pylist(), rows["path"].to_pylist()
    step, reason = np.full(count, None, dtype=object), np.array(rows["unread"].to_pylist(), dtype=object)
    gone = np.array([one is not None for one in reason], dtype=bool)
    step[gone] = UNREAD
    more: dict[str, dict[int, Any]] = {"duplicate_of": {}, "duplicate_in": {}, "similarity": {}, "cluster_size": {}}
    stands_for = np.zeros(count, dtype=np.int64)
    edits: dict[tuple[str, str], list[int]] = {}
    edited = np.zeros(count, dtype=bool)
    for row in (row for table in changes for row in table.to_pylist()):
        place = row["row"]
        if row["reason"] is not None:
            step[place], reason[place] = row["by"], row["reason"]
            for name, found in more.items():
                found[place] = row[name]
        elif row["cluster_size"] is not None:
            stands_for[place] += row["cluster_size"] - 1
        else:
            size = len(row["text"].encode())
            entry = edits.setdefault((row["by"], sources[place]), [0, 0])
            entry[0], entry[1] = entry[0] + 1, entry[1] + int(sizes[place]) - size
            texts[place], sizes[place], edited[place] = row["text"], size, True
    removed = np.array([one is not None for one in step], dtype=bool)
    for place in np.flatnonzero(~removed):
        more["cluster_size"][place] = 1 + int(stands_for[place])
    columns = {"text": pa.array(texts, pa.large_string()), "bytes": pa.array(sizes), "edited": pa.array(edited),
               "step": pa.array(step, pa.string()), "reason": pa.array(reason, pa.string()),
               **{name: pa.array([found.get(place) for place in range(count)], REMOVED.field(name).type)
                  for name, found in more.items()}}
    whole = pa.table({**{name: rows[name] for name in rows.column_names}, **columns})
    sums = _counted(sources, step, reason, sizes, lambda place: {"id": ids[place], "path": paths[place],
                                                                 "text": (texts[place] or "")[:_EXCERPT]})
    sums += [{"step": by, "source": source, "edited": number, "edited_bytes": size}
             for (by, source), (number, size) in edits.items()]
    return whole.filter(pa.array(~removed)), whole.filter(pa.array(removed)).select(REMOVED.names).cast(REMOVED), sums


def _counted(sources: Any, step: Any, reason: Any, sizes: Any, sample: Any) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str, str], list[int]] = {}
    for place, key in enumerate(zip(step, sources, reason, strict=True)):
        groups.setdefault(key, []).append(place)  # in order of id, which is a hash: the first ones are a fair sample
    return [{"step": by or "", "source": source, "reason": why, "documents": len(places), "bytes": int(sizes[places].sum()),
             "samples": [sample(place) for place in places[:_SAMPLES]] if by else []}
            for (by, source, why), places in groups.items()]
