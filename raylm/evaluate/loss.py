"""From log-probabilities of tokens to the figures that models are compared by.

Loss per token depends on the tokenizer; bits per byte does not: the same nats over the bytes of the text that they encode.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from raylm.evaluate.windows import Window


@dataclass(frozen=True)
class Sum:
    """Nats, predicted tokens and bytes of some windows."""

    nats: float = 0.0
    tokens: int = 0
    size: int = 0

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.nats + other.nats, self.tokens + other.tokens, self.size + other.size)

    def figures(self) -> dict[str, float | int | None]:
        """Return `loss` (nats per token), `bits_per_byte`, `tokens` and `bytes`; the first two None where nothing was read."""
        return {"loss": round(self.nats / self.tokens, 4) if self.tokens else None,
                "bits_per_byte": round(self.nats / math.log(2) / self.size, 4) if self.size else None,
                "tokens": self.tokens, "bytes": self.size}


def losses(windows: Sequence[Window], logprobs: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Return the figures over all windows and by source.

    Args:
        windows: what was scored.
        logprobs: for each window the log-probability (nats) of every token but the first, </s> included.
    """
    sums: dict[str, Sum] = {}
    for window, scores in zip(windows, logprobs, strict=True):
        sums[window.source] = sums.get(window.source, Sum()) + Sum(-math.fsum(scores), len(scores), window.size)
    return {**sum(sums.values(), Sum()).figures(), "sources": {name: sums[name].figures() for name in sorted(sums)}}


def mean_difference(first: Sequence[Sequence[float]], second: Sequence[Sequence[float]]) -> float:
    """Return the mean absolute difference of two scorings of the same windows; 0 where there is nothing."""
    pairs = [(a, b) for x, y in zip(first, second, strict=True) for a, b in zip(x, y, strict=True)]
    return math.fsum(abs(a - b) for a, b in pairs) / max(len(pairs), 1)
