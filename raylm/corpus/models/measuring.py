"""How good a classifier is on the examples that were held out, for every threshold that somebody may want to set."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from raylm.corpus.models.base import Examples, Scorer

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))


def measured(scorer: Scorer, examples: Examples) -> dict[str, Any]:
    """Return the counts of the examples and, for all languages together (`all`) and each, the held-out figures.

    A text without a score counts as not of the positive class.
    """
    held = examples.where(examples.held_out)
    scores = np.nan_to_num(scorer.score(held.texts, held.languages), nan=0.0) if held.texts else np.zeros(0)
    languages = np.array(held.languages, dtype=object)
    groups = {"all": np.ones(len(scores), bool)} | {str(name): languages == name for name in sorted(set(held.languages)) if name}
    return {
        "trained": {"positive": int((examples.positive & ~examples.held_out).sum()),
                    "negative": int((~examples.positive & ~examples.held_out).sum())},
        "held_out": {name: figures(scores[chosen], held.positive[chosen]) for name, chosen in groups.items()},
    }


def figures(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> dict[str, Any]:
    """Return what a classifier's scores are worth.

    Args:
        scores: (texts,) probabilities of the positive class.
        positive: (texts,) the truth.

    Returns:
        `texts`, `positive` (counts), `accuracy` and `f1` (of the positive class) at 0.5, and `thresholds`: for each of `THRESHOLDS`
        the share of texts at or above it, with `precision`, `recall` and `f1`.
    """
    table = [{"threshold": threshold, **at_threshold(scores, positive, threshold)} for threshold in THRESHOLDS]
    half = at_threshold(scores, positive, 0.5)
    return {"texts": len(scores), "positive": int(positive.sum()), "f1": half["f1"],
            "accuracy": round(float(((scores >= 0.5) == positive).mean()), 6) if len(scores) else 0.0, "thresholds": table}


def at_threshold(scores: NDArray[np.float64], positive: NDArray[np.bool_], threshold: float) -> dict[str, float]:
    """Return `share`, `precision`, `recall` and `f1` of calling positive what scores at least `threshold`; 0 where undefined."""
    called = scores >= threshold
    hits = int((called & positive).sum())
    precision, recall = _over(hits, int(called.sum())), _over(hits, int(positive.sum()))
    return {"share": _over(int(called.sum()), len(scores)), "precision": precision, "recall": recall,
            "f1": _over(2 * hits, int(called.sum()) + int(positive.sum()))}


def _over(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0
