"""Looking at clusters of duplicates: the documents that stay, side by side with what they stand for (`raylm corpus clusters RUN`).

Reads the published artifacts only, a partition at a time. Texts are shown as they were read, so before any step changed them; those
of earlier corpora as they were published.
"""

import difflib
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from raylm.corpus.dedup.earlier import document_of
from raylm.corpus.origin import partition
from raylm.corpus.read.build import DOCUMENTS
from raylm.corpus.read.schema import read_columns
from raylm.errors import UserError
from raylm.storage import Artifact, Folder

_CONTEXT = 2


@dataclass(frozen=True)
class Member:
    """A document of a cluster."""

    id: str
    source: str
    path: str
    text: str
    similarity: float | None = None
    """True Jaccard similarity to the one that stays, where it was measured."""


@dataclass(frozen=True)
class Cluster:
    """A document that stays, and some of those that it stands for: the least similar first, where that is known."""

    step: str
    size: int
    kept: Member
    removed: list[Member]


def largest(corpus: Artifact, read: Artifact, count: int, members: int, step: str | None = None) -> list[Cluster]:
    """Return the largest clusters of a published corpus.

    Args:
        corpus: the artifact, and
        read: the one that it was made of.
        count: clusters wanted, and
        members: removed documents of each.
        step: only those of the step with this label.
    """
    known = {(label, row["survivor"], row["place"]): row for found in corpus.metrics["details"].values()
             for row in found.get("clusters", []) for label in found["steps"] if step in (None, label)}
    chosen = sorted(known.items(), key=lambda item: (-item[1]["members"], item[0]))[:count]
    removed = _removed(corpus.folder.child("removed"), pa.array(sorted({survivor for (_, survivor, _), _ in chosen}), pa.string()))
    documents = read.folder.child(DOCUMENTS)
    parts = len(documents.names(".parquet"))
    found = []
    for (label, survivor, place), row in chosen:
        here = pc.and_(pc.equal(removed["step"], label), pc.equal(removed["duplicate_in"].fill_null(""), place))
        mine = removed.filter(pc.and_(pc.equal(removed["duplicate_of"], survivor), here))
        order = pc.sort_indices(mine, [("similarity", "ascending"), ("id", "ascending")])
        gone = [_member(documents, parts, one["id"], one["similarity"]) for one in mine.take(order[:members]).to_pylist()]
        kept = _earlier(place, survivor) if place else _member(documents, parts, survivor)
        found.append(Cluster(label, row["members"] + 1, kept, gone))
    return found


def _removed(folder: Folder, survivors: pa.Array) -> pa.Table:
    """Return the removed documents of some survivors, without texts: what the largest clusters have, not what the corpus has."""
    columns = ["id", "step", "duplicate_of", "duplicate_in", "similarity"]
    tables = [pq.read_table(folder.file(name), columns=columns, filesystem=folder.filesystem) for name in folder.names(".parquet")]
    return pa.concat_tables([table.filter(pc.is_in(table["duplicate_of"], value_set=survivors)) for table in tables])


def _member(documents: Folder, parts: int, identity: str, similarity: float | None = None) -> Member:
    rows = read_columns(documents, None, partition(identity, parts), ["id", "source", "path", "text"])
    row = rows.slice(rows["id"].index(identity).as_py(), 1).to_pylist()[0]
    return Member(identity, row["source"], row["path"], row["text"], similarity)


def _earlier(place: str, identity: str) -> Member:
    """Return a document of an earlier corpus, as it was published; without a text if that is not there any more."""
    try:
        row = document_of(place, identity, ["source", "path", "text"])
    except UserError:
        return Member(identity, f"an earlier corpus, gone from {place}", "", "")
    return Member(identity, f"{row['source']} of {place}", row["path"], row["text"])


def as_text(cluster: Cluster, width: int, lines: int) -> str:
    """Return a cluster for a terminal: kept on the left, removed on the right, where they differ; at most so many lines of each."""
    out = [f"{cluster.size:,} documents · {cluster.step} · kept: {cluster.kept.path} ({cluster.kept.source}, {cluster.kept.id})"]
    for member in cluster.removed:
        told = f", similarity {member.similarity:.3f}" if member.similarity is not None else ""
        out.append(f"  against {member.path} ({member.source}, {member.id}{told})")
        rows = list(side_by_side(cluster.kept.text, member.text, (width - 7) // 2))
        out += [f"    {row}" for row in rows[:lines]] or ["    the same text"]
        if len(rows) > lines:
            out.append(f"    … {len(rows) - lines:,} more lines")
    return "\n".join(out)


def side_by_side(left: str, right: str, width: int) -> Iterator[str]:
    """Yield the places where two texts differ, wrapped to two columns, with a little of what is around them."""
    one, other = _wrapped(left, width), _wrapped(right, width)
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=True)
    for number, group in enumerate(matcher.get_grouped_opcodes(_CONTEXT)):
        if number:
            yield "⋮"
        for what, a, b, c, d in group:
            for row in range(max(b - a, d - c)):
                first = one[a + row] if a + row < b else ""
                second = other[c + row] if c + row < d else ""
                yield f"{first:<{width}} {'│' if what == 'equal' else '┃'} {second}"


def _wrapped(text: str, width: int) -> list[str]:
    return [row for line in text[:100_000].splitlines() for row in textwrap.wrap(line, width) or [""]]
