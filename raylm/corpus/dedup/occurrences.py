"""Which occurrences of something (a window of bytes, three sentences, a line) are repeats, and which is the first.

A partition sends a key once for all of its occurrences in one stretch of text, with the first of them and their number. So a key
that occurs a million times is a row for each stretch. The first occurrence is that of the source of the lowest rank, then of the
document whose hashed id is smallest, then the earliest in it: nothing of this depends on the number of partitions or workers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from raylm.corpus.dedup.edges import PREFERENCE_BITS

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]

PLACE_BITS = 47
"""Bits of a place that count bytes of a partition; those above are the partition."""
_RANK_BITS = 7


def precedence(ranks: I64, ids: Sequence[str], preferences: I64 | None = None) -> U64:
    """Return a number for each document; the smaller one keeps what both have: rank (up to 127), then 57 bits of the id's hash.

    With `preferences` (12 bits, see `edges.preference`) they come first, and 45 bits of the hash are left. Two documents have the
    same number with chance 2^-57 (2^-45); then their partitions and places decide.
    """
    hashed = b"".join(blake2b(id.encode(), digest_size=8, person=b"precedence").digest() for id in ids)
    top = np.minimum(ranks, (1 << _RANK_BITS) - 1).astype(np.uint64)
    bits = _RANK_BITS
    if preferences is not None:
        top |= preferences.astype(np.uint64) << np.uint64(_RANK_BITS)
        bits += PREFERENCE_BITS
    ordered = np.frombuffer(hashed, dtype="<u8") >> np.uint64(bits)
    return np.asarray((top << np.uint64(64 - bits)) | ordered, dtype=np.uint64)


@dataclass(frozen=True)
class Groups:
    """The occurrences of one stretch of text, by key."""

    group: I64
    """(occurrences,) the group of each."""
    leader: I64
    """(groups,) index of the first occurrence of each group."""
    count: I64
    """(groups,) occurrences."""


def grouped(high: U64, low: U64, precedences: U64) -> Groups:
    """Group occurrences of equal key, given in the order of their places; `precedences` are those of their documents.

    Should two keys share their upper half, a group may come in several pieces: what resolves them does not mind.
    """
    order = np.argsort(high)
    ordered = high[order], low[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (ordered[0][1:] != ordered[0][:-1]) | (ordered[1][1:] != ordered[1][:-1])
    starts = np.flatnonzero(fresh)
    if not len(starts):
        return Groups(starts, starts, starts)
    group = np.empty(len(order), dtype=np.int64)
    group[order] = np.cumsum(fresh) - 1
    smallest = np.minimum.reduceat(precedences[order], starts)
    count = np.diff(np.append(starts, len(order)))
    best = precedences[order] == np.repeat(smallest, count)
    leader = np.minimum.reduceat(np.where(best, order, len(order)), starts)
    return Groups(group, leader, count)


def resolved(high: U64, low: U64, precedences: U64, places: I64, counts: I64) -> tuple[Mask, Mask]:
    """Say of rows from all partitions, in any order, which key occurs at least twice, and which row has its first occurrence.

    Args:
        high, low: (rows,) halves of the keys.
        precedences: (rows,) of the documents of the first occurrences.
        places: (rows,) of the first occurrences: partition above `PLACE_BITS`, byte below.
        counts: (rows,) occurrences that the row stands for.

    Returns:
        repeated, first: (rows,).
    """
    order = np.argsort(high)
    if np.any((high[order][1:] == high[order][:-1]) & (low[order][1:] != low[order][:-1])):
        order = np.lexsort((low, high))
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (high[order][1:] != high[order][:-1]) | (low[order][1:] != low[order][:-1])
    starts = np.flatnonzero(fresh)
    repeated, first = np.zeros(len(order), dtype=bool), np.zeros(len(order), dtype=bool)
    if not len(starts):
        return repeated, first
    sizes = np.diff(np.append(starts, len(order)))
    repeated[order] = np.repeat(np.add.reduceat(counts[order], starts) > 1, sizes)
    best = precedences[order] == np.repeat(np.minimum.reduceat(precedences[order], starts), sizes)
    earliest = np.minimum.reduceat(np.where(best, places[order], np.iinfo(np.int64).max), starts)
    first[order] = best & (places[order] == np.repeat(earliest, sizes))
    return repeated, first


def repeats(groups: Groups, starts: I64, replied: I64, first: Mask, keep_first: bool) -> Mask:
    """Return which of a stretch's occurrences are to be cut.

    Args:
        groups: of the occurrences.
        starts: (occurrences,) their places in the partition.
        replied: the places of leaders whose keys are repeated, ascending, of the whole partition, and
        first: whether each is the first occurrence of all.
        keep_first: whether first occurrences stay.
    """
    leaders = starts[groups.leader]
    at = np.minimum(np.searchsorted(replied, leaders), max(len(replied) - 1, 0))
    known = replied[at] == leaders if len(replied) else np.zeros(len(leaders), dtype=bool)
    result = known[groups.group]
    if keep_first:
        stays = groups.leader[known & first[at]] if len(replied) else groups.leader[:0]
        result[stays] = False
    return np.asarray(result)
