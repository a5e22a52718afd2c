"""What a model is trained on, drawn from the corpus by hash: how much there is of each class, what share of it fits the bound, and
then the documents that fall into that share. Whether a document is in depends on its id, the seed and the sizes alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from raylm.corpus.models.base import Examples, ModelConfig
from raylm.corpus.models.training import LONGEST, TrainingText, place

SIZES = pa.schema([("source", pa.string()), ("language", pa.string()), ("bytes", pa.int64()), ("documents", pa.int64())])
SAMPLE = pa.schema([("model", pa.string()), ("place", pa.float64()), ("origin", pa.string()), ("positive", pa.bool_()),
                    ("language", pa.string()), ("text", pa.large_string())])
_ORIGIN_DIGITS = 16
"""Digits of a document's id that name the file it is from: what comes from one file is all trained on or all held out."""


@dataclass(frozen=True)
class Draw:
    """The share of each language's documents that one class of one model takes."""

    model: str
    text: TrainingText
    shares: dict[str, float]


def sizes(rows: pa.Table) -> pa.Table:
    """Return how much readable text there is by source and language, as `SIZES`. A document counts with what a sample takes of it.

    Args:
        rows: with `source`, `language`, `bytes` and `unread`.
    """
    totals: dict[tuple[str, str], list[int]] = {}
    columns = (rows[name].to_pylist() for name in ("source", "language", "bytes", "unread"))
    for source, language, size, unread in zip(*columns, strict=True):
        if unread is None:
            total = totals.setdefault((source, language), [0, 0])
            total[0] += min(size, LONGEST)
            total[1] += 1
    return pa.Table.from_pylist([{"source": source, "language": language, "bytes": size, "documents": documents}
                                 for (source, language), (size, documents) in sorted(totals.items())], schema=SIZES)


def draws(models: Sequence[ModelConfig], found: Iterable[Mapping[str, Any]]) -> list[Draw]:
    """Return the shares that keep every class, or every language of it, within its bound.

    Args:
        models: those to be trained.
        found: the rows of `sizes`, of all parts.
    """
    totals: dict[tuple[str, str], int] = {}
    for row in found:
        totals[row["source"], row["language"]] = totals.get((row["source"], row["language"]), 0) + row["bytes"]
    result = []
    for model in models:
        for text in model.training():
            covered: dict[str, int] = {}
            for (source, language), size in totals.items():
                if text.text.covers(source, language):
                    covered[language] = covered.get(language, 0) + size
            whole = sum(covered.values())
            bound = text.megabytes * 1e6
            result.append(Draw(model.name, text, {language: min(1.0, bound / max(size if text.per_language else whole, 1))
                                                  for language, size in sorted(covered.items())}))
    return result


def drawn(rows: pa.Table, wanted: Sequence[Draw], seed: int) -> pa.Table:
    """Return the documents of these rows that are in a sample, as `SAMPLE`; one that several models take comes several times.

    Args:
        rows: with `id`, `source`, `language`, `unread` and `text`.
        wanted: what to draw.
        seed: of the run.
    """
    found: list[dict[str, Any]] = []
    names = rows.select(["id", "source", "language", "unread"]).to_pylist()
    for number, row in enumerate(names):
        if row["unread"] is not None:
            continue
        for draw in wanted:
            if not draw.text.text.covers(row["source"], row["language"]):
                continue
            where = place(seed, f"sample {draw.model}", row["id"])
            if where < draw.shares.get(row["language"], 0.0):
                text = rows["text"][number].as_py()
                found.append({"model": draw.model, "place": where, "origin": row["id"][:_ORIGIN_DIGITS],
                              "positive": draw.text.positive, "language": row["language"], "text": passage(text, where)})
    return pa.Table.from_pylist(found, schema=SAMPLE)


def passage(text: str, where: float) -> str:
    """Return at most `LONGEST` characters of a text: from the beginning of a line, which of them is up to `where` (0 to 1)."""
    if len(text) <= LONGEST:
        return text
    start = int(where * 1e6 % 1 * (len(text) - LONGEST))
    line = text.rfind("\n", max(0, start - LONGEST // 4), start) + 1
    return text[line or start:][:LONGEST]


def within_bounds(model: ModelConfig, sample: pa.Table) -> list[dict[str, Any]]:
    """Return a model's rows of the sample (`SAMPLE`) in the order of their hashes, cut where a class or language reaches its bound.

    The shares aim at the bound; how much text really falls into them is a matter of luck.
    """
    order: list[tuple[str, Literal["ascending"]]] = [("place", "ascending"), ("origin", "ascending"), ("positive", "ascending")]
    mine = sample.filter(pa.compute.equal(sample["model"], model.name)).sort_by(order)
    texts = {text.positive: text for text in model.training()}
    used: dict[tuple[bool, str], int] = {}
    rows = []
    for row in mine.to_pylist():
        text = texts[row["positive"]]
        group = (row["positive"], row["language"] if text.per_language else "")
        used[group] = used.get(group, 0) + len(row["text"].encode("utf-8", "surrogatepass"))
        if used[group] <= text.megabytes * 1e6:
            rows.append(row)
    return rows


def examples(model: ModelConfig, labelled: Sequence[tuple[float, str, str, bool]], sample: pa.Table, seed: int) -> Examples:
    """Return a model's examples in the order of their hashes, from its labelled rows and its part of the sample (`SAMPLE`)."""
    rows = [(where, text, language, positive, text) for where, text, language, positive in labelled]
    rows += [(row["place"], row["text"], row["language"], row["positive"], row["origin"]) for row in within_bounds(model, sample)]
    rows.sort(key=lambda row: (row[0], row[4], row[3]))
    held = [place(seed, f"held out {model.name}", key) < model.heldout for _, _, _, _, key in rows]
    return Examples([row[1] for row in rows], [row[2] for row in rows],
                    np.array([row[3] for row in rows], dtype=bool), np.array(held, dtype=bool))
