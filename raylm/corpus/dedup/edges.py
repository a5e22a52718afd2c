"""From rows of (key, node) to edges between documents that share a key: a star from each bucket's members to its smallest node.

A star has one edge fewer than members where all pairs would be quadratic, and sorting first makes it independent of the order in
which rows arrive, so of the number of workers.
"""

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]

PARTITION_BITS, ROW_BITS = 16, 40


def pack_nodes(rank: I64, partition: int, rows: I64) -> I64:
    """Number documents so that the smallest of a cluster is its survivor: by source rank, then partition, then row (so id) in it.

    Unlike a hash the number is unique: seven bits of rank, sixteen of partition, forty of row in a positive 64-bit integer.
    """
    packed = (rank.astype(np.int64) << (PARTITION_BITS + ROW_BITS)) | (np.int64(partition) << ROW_BITS) | rows.astype(np.int64)
    return packed.astype(np.int64)


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
