"""What counting can do: a unigram and an interpolated Kneser-Ney n-gram model, as baselines that the network has to beat.

N-grams are 64-bit hashes in sorted arrays, so that counting is sorting and looking up is binary search; nothing is a Python loop
over tokens. Contexts do not cross documents, as the network's do not.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DISCOUNT = 0.75
Keys = NDArray[np.uint64]


@dataclass(frozen=True)
class Level:
    """One order: for each known n-gram its count, for each known context its total and number of followers."""

    grams: Keys
    counts: NDArray[np.int64]
    contexts: Keys
    totals: NDArray[np.int64]
    followers: NDArray[np.int64]


def hashes(tokens: NDArray[np.int64], order: int) -> Keys:
    """Return the hash of the `order` tokens that end at each position (tokens,); the first `order` - 1 wrap and are not valid."""
    key = np.zeros(len(tokens), np.uint64)
    with np.errstate(over="ignore"):
        for back in range(order - 1, -1, -1):
            key = (key ^ (np.roll(tokens, back).astype(np.uint64) + np.uint64(1))) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(29)
    return key


def reach(documents: NDArray[np.int64], order: int) -> NDArray[np.bool_]:
    """Return where the `order` tokens that end at a position belong to one document."""
    same = np.roll(documents, order - 1) == documents
    same[: order - 1] = False
    return same


class KneserNey:
    """Interpolated Kneser-Ney (Kneser and Ney 1995; Chen and Goodman 1999) with one absolute discount.

    The highest order counts occurrences, lower orders count distinct left neighbours; the lowest is mixed with the uniform
    distribution.
    """

    def __init__(self, tokens: NDArray[np.int64], documents: NDArray[np.int64], order: int, vocabulary: int) -> None:
        """Count.

        Args:
            tokens: (n,) token ids.
            documents: (n,) the document of each.
            order: the longest n-gram, at least 1.
            vocabulary: number of ids.
        """
        self.order, self.vocabulary = order, vocabulary
        self.levels: list[Level] = []
        keys = {n: hashes(tokens, n) for n in range(1, order + 1)}
        valid = {n: reach(documents, n) for n in range(1, order + 1)}
        for n in range(1, order + 1):
            context = np.roll(keys[n - 1], 1) if n > 1 else np.zeros(len(tokens), np.uint64)
            if n == order:
                grams, first, counts = np.unique(keys[n][valid[n]], return_index=True, return_counts=True)
                owner = context[valid[n]][first]
            else:
                # One n-gram of this order for each distinct (n+1)-gram: the count of its distinct left neighbours.
                _, sample = np.unique(keys[n + 1][valid[n + 1]], return_index=True)
                places = np.flatnonzero(valid[n + 1])[sample]
                grams, first, counts = np.unique(keys[n][places], return_index=True, return_counts=True)
                owner = context[places][first]
            self.levels.append(_level(grams, counts, owner))

    def loss(self, tokens: NDArray[np.int64], documents: NDArray[np.int64], counted: NDArray[np.bool_]) -> float:
        """Return the mean negative log-probability in nats of the tokens where `counted` is True."""
        probability = np.full(len(tokens), 1.0 / self.vocabulary)
        for n, level in enumerate(self.levels, start=1):
            if not len(level.contexts):
                continue
            context = np.roll(hashes(tokens, n - 1), 1) if n > 1 else np.zeros(len(tokens), np.uint64)
            place, known = _find(level.contexts, context)
            known &= reach(documents, n)
            total = np.where(known, level.totals[place], 1)
            spot, seen = _find(level.grams, hashes(tokens, n))
            count = np.where(seen & known, level.counts[spot], 0)
            mass = DISCOUNT * np.where(known, level.followers[place], 0) / total
            mixed = np.maximum(count - DISCOUNT, 0) / total + mass * probability
            probability = np.where(known, mixed, probability)
        return float(-np.log(probability[counted]).mean())


def unigram_loss(tokens: NDArray[np.int64], heldout: NDArray[np.int64], vocabulary: int) -> float:
    """Return the mean negative log-probability (nats) of held-out tokens under add-one-smoothed frequencies."""
    counts = np.bincount(tokens, minlength=vocabulary) + 1.0
    return float(-np.log(counts[heldout] / counts.sum()).mean())


def _level(grams: Keys, counts: NDArray[np.int64], owner: Keys) -> Level:
    contexts, inverse = np.unique(owner, return_inverse=True)
    totals = np.bincount(inverse, weights=counts, minlength=len(contexts)).astype(np.int64)
    return Level(grams, counts, contexts, totals, np.bincount(inverse, minlength=len(contexts)))


def _find(known: Keys, wanted: Keys) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    place = np.searchsorted(known, wanted).clip(max=len(known) - 1)
    return place, known[place] == wanted
