"""Asking the models about documents, a batch at a time and in the recipe's order: each about those that its scope and the cascade
leave it. Arrays in, arrays out.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raylm.corpus.models.base import ModelConfig, Scorer
from raylm.corpus.models.words import sentences

Loaded = Sequence[tuple[ModelConfig, Scorer]]


def asked_columns(models: Sequence[ModelConfig]) -> list[str]:
    """Return the columns of the read artifact that the cascade looks at: those of `only` that are no earlier model's."""
    earlier: set[str] = set()
    wanted: dict[str, None] = {}
    for model in models:
        wanted |= dict.fromkeys(column for column in model.only if column not in earlier)
        earlier.add(model.name)
    return list(wanted)


def asked(models: Loaded, rows: pa.Table) -> dict[str, NDArray[np.float64]]:
    """Return each model's scores of a batch of documents.

    Args:
        models: in the recipe's order.
        rows: with `source`, `language`, `unread`, `text` and `asked_columns`.

    Returns:
        By model (documents,), NaN where it was not asked or has nothing to say.
    """
    columns = {name: rows[name].cast(pa.float64()).to_numpy() for name in asked_columns([model for model, _ in models])}
    languages = rows["language"].fill_null("").to_pylist()
    readable = rows["unread"].is_null().to_numpy(zero_copy_only=False)
    scores: dict[str, NDArray[np.float64]] = {}
    for model, scorer in models:
        places = np.flatnonzero(readable & in_scope(model, rows) & in_range(model, columns | scores))
        values = np.full(rows.num_rows, np.nan)
        if len(places):
            texts = rows["text"].take(pa.array(places)).to_pylist()
            values[places] = by_grain(model, scorer, texts, [languages[place] for place in places])
        scores[model.name] = values
    return scores


def in_scope(model: ModelConfig, rows: pa.Table) -> NDArray[np.bool_]:
    """Return which rows are of the model's sources and languages."""
    inside = np.ones(rows.num_rows, dtype=bool)
    for name, wanted in (("source", model.sources), ("language", model.languages)):
        if wanted:
            found = pa.compute.is_in(rows[name], value_set=pa.array(wanted, rows[name].type))
            inside &= found.to_numpy(zero_copy_only=False)
    return inside


def in_range(model: ModelConfig, columns: Mapping[str, NDArray[np.float64]]) -> NDArray[np.bool_]:
    """Return which rows have a value inside each range of the model's `only`; without ranges, a single True."""
    inside = np.ones(1, dtype=bool)
    for name, (least, most) in model.only.items():
        values = columns[name]
        here = ~np.isnan(values)
        if least is not None:
            here &= values >= least
        if most is not None:
            here &= values <= most
        inside = inside & here
    return inside


def by_grain(model: ModelConfig, scorer: Scorer, texts: Sequence[str], languages: Sequence[str]) -> NDArray[np.float64]:
    """Return a score for each text (texts,): the model's own, or the largest or mean one of its sentences."""
    if model.grain == "document":
        return scorer.score(texts, languages)
    split = [sentences(text) for text in texts]
    owner = np.repeat(np.arange(len(texts)), [len(part) for part in split])
    scores = scorer.score([sentence for part in split for sentence in part], [languages[text] for text in owner])
    known = ~np.isnan(scores)
    owner, scores = owner[known], scores[known]
    values = np.full(len(texts), np.nan)
    counts = np.bincount(owner, minlength=len(texts))
    if model.over_sentences == "mean":
        values[counts > 0] = np.bincount(owner, scores, minlength=len(texts))[counts > 0] / counts[counts > 0]
    else:
        np.fmax.at(values, owner, scores)
    return values
