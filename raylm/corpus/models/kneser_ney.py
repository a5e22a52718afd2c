"""Interpolated modified Kneser-Ney estimation (Chen & Goodman 1998; as Heafield et al. 2013 state it), in numpy.

An n-gram is a number: its prefix's number and its last word in one key, sorted, so counting is sorting and the tables are a trie in
which an n-gram is found by binary search. No loop is over tokens. What is pruned or holds an unknown word gives its mass to the
back-off of its context, so that the probabilities after any context still sum to 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNKNOWN, BEGIN, END = 0, 1, 2
"""The numbers of `<unk>`, `<s>` and `</s>`; words follow."""
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Level:
    """The n-grams of one order; a key is the first n-1 words' number in the level below, times the vocabulary, plus the word."""

    keys: Ints
    """Ascending. Of unigrams: the words themselves."""
    probability: Floats
    """Of the last word after the others, interpolated."""
    backoff: Floats
    """The share that the level above leaves to this one, where this n-gram is the context; 1 where it is none."""


@dataclass(frozen=True)
class Counted:
    """The n-grams of one order before estimation."""

    keys: Ints
    counts: Ints
    """How often each occurs."""
    suffix: Ints
    """The number of each one's last n-1 words among the level below."""
    begins: NDArray[np.bool_]
    """Whether it begins with `<s>`."""
    known: NDArray[np.bool_]
    """Whether it is free of `<unk>`."""


def count(tokens: Ints, vocabulary: int, order: int) -> list[Counted]:
    """Count the n-grams of orders 1 to `order`; none goes beyond its line.

    Args:
        tokens: (tokens,) words of lines, each line `BEGIN ... END`.
        vocabulary: how many words there are, the three special ones included.
        order: the longest n-gram.
    """
    words = np.arange(vocabulary)
    levels = [Counted(words, np.bincount(tokens, minlength=vocabulary), np.zeros(vocabulary, np.int64), words == BEGIN,
                      words != UNKNOWN)]
    here = tokens.astype(np.int64)
    inside = tokens != BEGIN
    for _ in range(2, order + 1):
        prefix = np.concatenate(([-1], here[:-1]))
        places = np.flatnonzero(inside & (prefix >= 0))
        keys, first, number, counts = np.unique(prefix[places] * vocabulary + tokens[places], return_index=True,
                                                return_inverse=True, return_counts=True)
        below = levels[-1]
        head, last = np.divmod(keys, vocabulary)
        levels.append(Counted(keys, counts, here[places[first]], below.begins[head], below.known[head] & (last != UNKNOWN)))
        here = np.full(len(tokens), -1, np.int64)
        here[places] = number
    return levels


def adjusted(levels: list[Counted]) -> list[Ints]:
    """Return the adjusted counts of each level: how many words an n-gram follows; of the longest ones, and those at a line's
    beginning, which nothing precedes, how often it occurs. `<s>` itself is never predicted and has 0.
    """
    found = []
    for level, above in zip(levels, [*levels[1:], None], strict=True):
        if above is None:
            found.append(level.counts)
        else:
            found.append(np.where(level.begins, level.counts, np.bincount(above.suffix, minlength=len(level.keys))))
    found[0] = np.where(levels[0].begins, 0, found[0])
    return found


def discounts(counts: Ints) -> Floats:
    """Return the discounts of adjusted counts 0, 1, 2, and 3 or more.

    D(k) = k - (k+1) t1 t(k+1) / ((t1 + 2 t2) tk), where tk is how many n-grams have the adjusted count k.

    Where too few n-grams are there for a discount between 0 and its count, they are 0.5, 1 and 1.5 (Heafield's fallback).
    """
    t = np.bincount(np.minimum(counts, 5), minlength=6).astype(np.float64)
    fallback = np.array([0.0, 0.5, 1.0, 1.5])
    if not all(t[1:4]):
        return fallback
    y = t[1] / (t[1] + 2 * t[2])
    found = np.array([0.0, *(k - (k + 1) * y * t[k + 1] / t[k] for k in (1, 2, 3))])
    return found if (found[1:] > 0).all() and (found <= np.arange(4)).all() else fallback


def estimate(tokens: Ints, vocabulary: int, order: int, prune: int) -> tuple[list[Level], list[list[float]]]:
    """Estimate a model.

    Args:
        tokens: (tokens,) words of lines, each line `BEGIN ... END`.
        vocabulary: how many words there are, the three special ones included.
        order: the longest n-gram.
        prune: n-grams of three words and more that occur at most so often are left out.

    Returns:
        The levels, and the three discounts of each.
    """
    counted = count(tokens, vocabulary, order)
    levels: list[Level] = []
    told: list[list[float]] = []
    kept_before = np.ones(1, dtype=bool)
    number = np.zeros(1, np.int64)  # of each n-gram of the level below, among those that stay
    full = np.ones(1)  # the level below, with what will be left out: probabilities of suffixes
    for n, (level, counts) in enumerate(zip(counted, adjusted(counted), strict=True), 1):
        kept = level.known & ((level.counts > prune) if n > 2 else True)
        discount = discounts(counts[level.known & (counts > 0)])
        told.append([round(float(value), 6) for value in discount[1:]])
        cut = discount[np.minimum(counts, 3)]
        head, last = (np.zeros(vocabulary, np.int64), level.keys) if n == 1 else np.divmod(level.keys, vocabulary)
        total = np.bincount(head, counts, minlength=len(kept_before))
        left = np.bincount(head, np.where(kept, cut, counts), minlength=len(kept_before))
        share = np.divide(left, total, out=np.ones_like(total), where=total > 0)
        own = np.divide(np.where(kept, counts - cut, 0.0), total[head], out=np.zeros(len(counts)), where=total[head] > 0)
        lower = np.full(vocabulary, 1 / (vocabulary - 1)) if n == 1 else full[level.suffix]
        full = own + share[head] * lower
        if n == 1:
            full[BEGIN] = 0.0
            kept = np.ones(vocabulary, dtype=bool)
        else:
            levels[-1] = Level(levels[-1].keys, levels[-1].probability, share[kept_before])
        keys = level.keys[kept] if n == 1 else number[head[kept]] * vocabulary + last[kept]
        levels.append(Level(keys, full[kept], np.ones(int(kept.sum()))))
        number, kept_before = np.cumsum(kept) - 1, kept
    return levels, told
