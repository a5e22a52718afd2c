"""True Jaccard before anything is removed: which members of a cluster really resemble one that stays.

Banding finds candidates, and components chain them: a is like b, b like c, yet c may share nothing with a. So in each component,
in order of preference, a member stays unless it is similar enough to one that already stays. Rounds over all components at once
instead of a loop over pairs: in each, every component's first undecided member becomes a representative, its shingles are
marked, and all other undecided members count their marks.
"""

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
F64 = npt.NDArray[np.float64]


def verified(components: I64, offsets: I64, hashes: U64, threshold: float, cap: int = 64) -> tuple[I64, F64]:
    """Return for each member the representative that it is a duplicate of.

    Args:
        components: (members,) component of each member; equal ones are adjacent, and within one the most preferred comes first.
        offsets: (members + 1,) where each member's shingle hashes begin in `hashes`.
        hashes: (shingles,) of all members; those of one member are distinct.
        threshold: Jaccard similarity from which a member is a duplicate.
        cap: representatives of one component that members are compared with. Whatever is like none of them stays, uncompared
            with the rest: the cap bounds work (cap x shingles), and costs recall in a huge mixed cluster, never precision.

    Returns:
        representative: (members,) index of the most preferred representative that is similar enough; the own index if it stays.
        jaccard: (members,) the similarity to it; 1 for a member that stays.

    Memory: 24 bytes per shingle besides the arguments. Calls may be split between components, never inside one.
    """
    representative = np.arange(len(components), dtype=np.int64)
    jaccard = np.ones(len(components))
    sizes = np.diff(offsets)
    tokens, distinct = _tokens(components, sizes, hashes)
    marked = np.zeros(distinct, dtype=bool)
    left = np.arange(len(components))  # undecided members; the first of each component is its next representative
    for _ in range(cap):
        left, tokens = _where_several(components[left], left, sizes[left], tokens)
        if not len(left):
            break
        first = _firsts(components[left])
        leader = left[first][np.cumsum(first) - 1]
        shared = _shared(marked, tokens, sizes[left], first)
        union = sizes[left] + sizes[leader] - shared
        similarity = np.divide(shared, union, out=np.zeros(len(left)), where=union > 0)
        same = (similarity >= threshold) & (shared > 0) & ~first
        representative[left[same]], jaccard[left[same]] = leader[same], similarity[same]
        undecided = ~same & ~first
        tokens = tokens[np.repeat(undecided, sizes[left])]
        left = left[undecided]
    return representative, jaccard


def _tokens(components: I64, sizes: I64, hashes: U64) -> tuple[I64, int]:
    """Number the distinct (component, hash) pairs densely; return each hash's number, and how many there are.

    So one array of marks serves all components at once. A stable sort by hash leaves components in their order within a hash.
    """
    if not len(hashes):
        return np.empty(0, dtype=np.int64), 0
    owner = np.repeat(np.cumsum(_firsts(components)), sizes)
    order = np.argsort(hashes, kind="stable")
    ordered, owners = hashes[order], owner[order]
    fresh = np.ones(len(hashes), dtype=bool)
    fresh[1:] = (ordered[1:] != ordered[:-1]) | (owners[1:] != owners[:-1])
    tokens = np.empty(len(hashes), dtype=np.int64)
    tokens[order] = np.cumsum(fresh) - 1
    return tokens, int(fresh.sum())


def _firsts(sorted_values: I64) -> npt.NDArray[np.bool_]:
    """Return which values begin a run of equal ones."""
    first = np.ones(len(sorted_values), dtype=bool)
    first[1:] = sorted_values[1:] != sorted_values[:-1]
    return first


def _where_several(components: I64, left: I64, sizes: I64, tokens: I64) -> tuple[I64, I64]:
    """Leave out members that are the only ones left of their component: they stay, there is nothing to compare them with."""
    first = _firsts(components)
    alone = first & np.append(first[1:], True)
    return left[~alone], tokens[np.repeat(~alone, sizes)]


def _shared(marked: npt.NDArray[np.bool_], tokens: I64, sizes: I64, first: npt.NDArray[np.bool_]) -> I64:
    """Return how many tokens each member shares with the first member of its component; `marked` is all false before and after."""
    own = tokens[np.repeat(first, sizes)]
    marked[own] = True
    total = np.append(0, np.cumsum(marked[tokens]))
    marked[own] = False
    ends = np.cumsum(sizes)
    return np.asarray(total[ends] - total[ends - sizes], dtype=np.int64)
