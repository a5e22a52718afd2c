"""How a partition looks after some steps: the read artifact's rows, less those that a step removed, with the last text of each.

A step's changes are one small table per partition. Removing names a reason; changing a text gives the new one.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from raylm.corpus.parts import read_part
from raylm.corpus.steps.base import Corpus
from raylm.storage import Folder

CHANGES = pa.schema([
    ("row", pa.int64()),
    ("by", pa.string()),
    ("reason", pa.string()),
    ("duplicate_of", pa.string()),
    ("duplicate_in", pa.string()),
    ("similarity", pa.float64()),
    ("cluster_size", pa.int64()),
    ("text", pa.large_string()),
])
"""`row`: of the read partition, each at most once. `by`: the label of the step. `reason`: why the document goes, or null if it
stays: with another `text`, or else as the one that stands for a cluster. `duplicate_of`: the id of the document that stands for
it, which names the cluster; `duplicate_in`: the place, as in `against`, of the earlier corpus that has that document, null for
this one; `similarity`: the true Jaccard similarity to it, where it was measured; `cluster_size`: the documents in the cluster,
with the one that stays; null where a text was changed."""


def changes_table(rows: npt.ArrayLike, by: str, **columns: object) -> pa.Table:
    """Return a table of `CHANGES`, sorted by row; columns that are not given are null."""
    places = np.asarray(rows, dtype=np.int64)
    order = pa.array(np.argsort(places, kind="stable"))
    arrays = {"row": pa.array(places), "by": pa.array([by] * len(places), pa.string())}
    for field in CHANGES:
        if field.name not in arrays:
            given = columns.get(field.name)
            arrays[field.name] = pa.nulls(len(places), field.type) if given is None else pa.array(given, field.type)
    return pa.table(arrays, schema=CHANGES).take(order)


@dataclass(frozen=True)
class Overlay:
    """What the steps so far made of one partition's rows."""

    removed: npt.NDArray[np.bool_]
    texts: dict[int, str]
    """The last text of each row that was changed."""


def overlay(changes: tuple[Folder, ...], part: int, rows: int, texts: bool = True) -> Overlay:
    """Fold the steps' changes of a partition with so many rows. Without `texts` only which rows were edited is known."""
    removed = np.zeros(rows, dtype=bool)
    edited: dict[int, str] = {}
    for folder in changes:
        table = read_part(folder, part, CHANGES, ["row", "reason", "cluster_size", *(["text"] if texts else [])])
        places, gone = table["row"].to_numpy(), table["reason"].is_valid().to_numpy()
        removed[places[gone]] = True
        kept = np.flatnonzero(~gone & ~table["cluster_size"].is_valid().to_numpy())
        found = table["text"].take(pa.array(kept)).to_pylist() if texts else [""] * len(kept)
        edited |= dict(zip(places[kept].tolist(), found, strict=True))
    return Overlay(removed, edited)


def rows_left(corpus: Corpus, part: int, columns: list[str]) -> pa.Table:
    """Do what `Corpus.rows` says."""
    from raylm.corpus.read.schema import read_columns

    table = read_columns(corpus.read, corpus.scores, part, [*columns, "unread"])
    state = overlay(corpus.changes, part, table.num_rows, texts="text" in columns)
    left = np.flatnonzero(~state.removed & ~table["unread"].is_valid().to_numpy())
    kept = table.select(columns).take(pa.array(left))
    edited = np.isin(left, np.fromiter(state.texts, dtype=np.int64, count=len(state.texts)))
    if "text" in columns and edited.any():
        column = kept["text"].combine_chunks()
        new = pa.array([state.texts[int(row)] for row in left[edited]], column.type)
        kept = kept.set_column(kept.column_names.index("text"), "text", pc.replace_with_mask(column, pa.array(edited), new))
    return kept.add_column(0, "row", pa.array(left)).add_column(1, "edited", pa.array(edited))
