"""What was measured of texts that a step changed since: measured again, for those rows only. What was measured on reading is of
the text as read, and a figure of a text that is no more decides nothing.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from raylm.corpus.document import Document
from raylm.corpus.masks import MASKS
from raylm.corpus.measures.base import Measure
from raylm.corpus.read.schema import BASE, masked_column
from raylm.corpus.steps.base import Corpus

_DOCUMENT = [name for name, _ in BASE if name in ("text", "content", "source", "path", "url", "metadata")]


def current(corpus: Corpus, part: int, columns: Sequence[str], measures: Sequence[Measure]) -> pa.Table:
    """Return rows with their columns, where a step changed the text measured anew; models' scores stay those of the text as
    read."""
    rows = corpus.rows(part, columns)
    edited = np.flatnonzero(rows["edited"].to_numpy())
    if not len(edited) or not (measures or "bytes" in columns):
        return rows
    # Places that were masked stay counted, whatever was cut: what they were of cannot be told from the text any more.
    texts = corpus.rows(part, [*_DOCUMENT, *map(masked_column, MASKS)]).take(pa.array(edited)).to_pylist()
    documents = [Document(row["text"], row["content"], row["source"], row["path"], row["url"], json.loads(row["metadata"] or "{}"),
                          {kind: row[masked_column(kind)] for kind in MASKS}) for row in texts]
    anew: dict[str, Sequence[Any]] = {"bytes": [len(document.text.encode()) for document in documents]}
    for measure in measures:
        anew |= measure.measure(documents)
    return replaced(rows, edited, anew)


def replaced(rows: pa.Table, places: npt.NDArray[np.int64], values: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Return the rows with other values at some places, in those of the columns that they have."""
    for name in values.keys() & set(rows.column_names):
        column = rows[name].to_pylist()
        for place, value in zip(places, values[name], strict=True):
            column[place] = value
        rows = rows.set_column(rows.column_names.index(name), name, pa.array(column, rows[name].type))
    return rows
