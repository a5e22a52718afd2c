"""Connected components of the graph of duplicates: in one task with union-find, or in rounds whose memory is one partition's.

Both give the same answer: for each node that is not the smallest of its component, that smallest. The rounds are the alternating
large-star and small-star operations of Kiveris et al. 2014, "Connected Components in MapReduce and Beyond": edges never
increase, and each operation needs only the neighbours of the nodes of one partition.
"""

import numpy as np

from raylm.corpus.dedup.edges import I64, distinct


def union_find(members: I64, others: I64) -> tuple[I64, I64]:
    """Return (node, smallest node of its component) for all nodes but the smallest ones, sorted by node.

    Vectorised: every root hooks onto the smallest root that it has an edge to, then paths are halved until they are flat.
    """
    nodes, flat = np.unique(np.concatenate([members, others]), return_inverse=True)
    left, right = flat[: len(members)], flat[len(members) :]
    parent = np.arange(len(nodes))
    while True:
        a, b = parent[left], parent[right]
        low, high = np.minimum(a, b), np.maximum(a, b)
        active = low != high
        if not active.any():
            break
        np.minimum.at(parent, high[active], low[active])
        while True:
            grand = parent[parent]
            if np.array_equal(grand, parent):
                break
            parent = grand
        left, right = left[active], right[active]
    below = parent != np.arange(len(nodes))
    return nodes[below], nodes[parent[below]]


def both_ways(members: I64, others: I64) -> tuple[I64, I64]:
    """Return each edge under both of its ends: what a shuffle by the first column brings together is a node's neighbourhood."""
    return np.concatenate([members, others]), np.concatenate([others, members])


def large_star(center: I64, neighbour: I64) -> tuple[I64, I64, int]:
    """Link every larger neighbour of a node to the smallest of the node and its neighbours.

    Args:
        center: Nodes of one partition, each with all of its edges here.
        neighbour: The other ends.

    Returns:
        The new edges (larger, smaller), and how many nodes were unsettled: had several neighbours of which one was smaller. When no
        node of any partition is, the graph is stars around the smallest nodes and the edges are the answer.
    """
    center, neighbour = distinct(center, neighbour)
    starts = _starts(center)
    if not len(starts):
        return center, neighbour, 0
    sizes = np.diff(np.append(starts, len(center)))
    smallest = neighbour[starts]  # sorted, so a run's first neighbour is its smallest
    unsettled = int(((sizes > 1) & (smallest < center[starts])).sum())
    least = np.repeat(np.minimum(smallest, center[starts]), sizes)
    larger = neighbour > center
    return (*distinct(neighbour[larger], least[larger]), unsettled)


def small_star(center: I64, neighbour: I64) -> tuple[I64, I64]:
    """Link a node and its smaller neighbours to the smallest of them. Each edge must be given once, under its larger end."""
    center, neighbour = distinct(center, neighbour)
    starts = _starts(center)
    sizes = np.diff(np.append(starts, len(center)))
    smallest = neighbour[starts]
    least = np.repeat(smallest, sizes)
    members, others = np.concatenate([neighbour, center[starts]]), np.concatenate([least, smallest])
    return distinct(members[members != others], others[members != others])


def _starts(sorted_values: I64) -> I64:
    """Return where each run of equal values begins."""
    if not len(sorted_values):
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(np.append(True, sorted_values[1:] != sorted_values[:-1]))
