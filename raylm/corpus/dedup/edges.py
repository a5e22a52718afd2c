"""From rows of (key, node) to edges between documents that share a key: a star from each bucket's members to its smallest node.

A star has one edge fewer than members where all pairs would be quadratic, and sorting first makes it independent of the order in
which rows arrive, so of the number of workers.
"""

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]

PREFERENCE_BITS, RANK_BITS, PARTITION_BITS, ROW_BITS = 12, 7, 16, 28
PREFERENCES = 1 << PREFERENCE_BITS
"""Values of a preference: 0 for documents of earlier corpora, which always stay, the others for ours."""


def preference(scores: npt.NDArray[np.float64] | None, rows: int, high: bool = True) -> I64:
    """Turn a score per document into a preference, small for the better: in steps of about 1 % of a score's size.

    Args:
        scores: of each document, NaN where there is none, which is worst; None makes all alike.
        rows: number of documents.
        high: whether a high score is the better one.
    """
    if scores is None:
        return np.ones(rows, dtype=np.int64)
    half = PREFERENCES // 2 - 1
    # Odd, monotone and about logarithmic, so that a probability and a perplexity both keep their order.
    squashed = np.clip(np.arcsinh(np.nan_to_num(scores, nan=0.0) * 1000) / 32, -1, 1)
    steps = np.rint(squashed * (half - 1)).astype(np.int64)
    found = half - steps if high else half + steps
    return np.where(np.isnan(scores), PREFERENCES - 1, found)


def pack_nodes(preferred: I64, rank: I64, partition: int, rows: I64) -> I64:
    """Number documents so that the smallest of a cluster is its survivor: by preference, source rank, partition, row (so id) in it.

    Unlike a hash the number is unique: 12 bits of preference, 7 of rank, 16 of partition, 28 of row in a positive 64-bit integer.
    """
    packed = preferred.astype(np.int64)
    for bits, value in ((RANK_BITS, rank), (PARTITION_BITS, partition), (ROW_BITS, rows)):
        packed = (packed << bits) | np.asarray(value, dtype=np.int64)
    return packed


def partition_of(nodes: I64) -> I64:
    """Return the partition that each node's document is in."""
    return (nodes >> ROW_BITS) & ((1 << PARTITION_BITS) - 1)


def row_of(nodes: I64) -> I64:
    """Return each node's row in its partition."""
    return nodes & ((1 << ROW_BITS) - 1)


def star_edges(keys: npt.NDArray[np.uint64], nodes: I64) -> tuple[I64, I64]:
    """Return edges (member, smallest member) of every bucket of equal keys with two or more distinct nodes, sorted and distinct."""
    order = np.lexsort((nodes, keys))
    keys, nodes = keys[order], nodes[order]
    first = np.ones(len(keys), dtype=bool)
    first[1:] = keys[1:] != keys[:-1]
    starts = np.maximum.accumulate(np.where(first, np.arange(len(keys)), 0))
    roots = nodes[starts] if len(nodes) else nodes
    return distinct(nodes[nodes != roots], roots[nodes != roots])


def distinct(members: I64, others: I64) -> tuple[I64, I64]:
    """Return distinct pairs, sorted by member, then other."""
    order = np.lexsort((others, members))
    members, others = members[order], others[order]
    keep = np.ones(len(members), dtype=bool)
    keep[1:] = (members[1:] != members[:-1]) | (others[1:] != others[:-1])
    return members[keep], others[keep]
