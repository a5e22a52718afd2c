"""Histograms of scores that are the same however documents are cut into tasks: fixed bins, counted and added.

Shares have a thousand bins of equal width; perplexities have 64 for each doubling. So a percentile is known to within 0.001, or
1.1 %, whatever the size of the corpus.
"""

from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Scale = Literal["share", "perplexity"]
Histogram = dict[str, int]
"""Documents by bin; the keys are the bins' numbers, as strings for JSON's sake."""

_SHARE, _OCTAVE = 1000, 64


def bins_of(values: NDArray[np.float64], scale: Scale) -> NDArray[np.int64]:
    """Return the bin of each value (values,); NaN is not allowed. Perplexities are at least 1."""
    if scale == "share":
        return np.minimum(np.floor(values * _SHARE), _SHARE - 1).astype(np.int64)
    return np.floor(np.log2(np.maximum(values, 1.0)) * _OCTAVE).astype(np.int64)


def edge(number: int, scale: Scale) -> float:
    """Return the lower edge of a bin, which is the upper one of the bin before."""
    return number / _SHARE if scale == "share" else float(2.0 ** (number / _OCTAVE))


def histogram(values: NDArray[np.float64], scale: Scale) -> Histogram:
    """Return how many values fall in each bin; NaN falls in none."""
    numbers, counts = np.unique(bins_of(values[~np.isnan(values)], scale), return_counts=True)
    return dict(zip(map(str, numbers.tolist()), counts.tolist(), strict=True))


def added(histograms: Iterable[Histogram]) -> Histogram:
    """Return the sum of histograms, bins in order."""
    total: dict[int, int] = {}
    for each in histograms:
        for number, count in each.items():
            total[int(number)] = total.get(int(number), 0) + count
    return {str(number): total[number] for number in sorted(total)}


def percentile(counts: Histogram, percent: float, scale: Scale) -> float | None:
    """Return the threshold with `percent` % of the values at or below it, up to the upper edge of the bin where that is reached.

    Returns:
        The edge; None without values.
    """
    numbers = sorted(map(int, counts))
    if not numbers:
        return None
    reached = np.cumsum([counts[str(number)] for number in numbers])
    place = int(np.searchsorted(reached, percent / 100 * reached[-1] * (1 - 1e-12)))
    return edge(numbers[min(place, len(numbers) - 1)] + 1, scale)
