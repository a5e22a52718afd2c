"""Duplicates are those whose true Jaccard similarity to one that stays is high enough: the same as comparing one by one."""

import time

import numpy as np
import pytest

from raylm.corpus.dedup.verify import verified


def brute_force(components, sets, threshold, cap):
    representatives, result, similarity = {}, [], []
    for index, (component, own) in enumerate(zip(components, sets, strict=True)):
        known = representatives.setdefault(component, [])
        for other in known[:cap]:
            union = len(own | sets[other])
            if own & sets[other] and len(own & sets[other]) / union >= threshold:
                result.append(other)
                similarity.append(len(own & sets[other]) / union)
                break
        else:
            known.append(index)
            result.append(index)
            similarity.append(1.0)
    return result, similarity


def flat(sets):
    offsets = np.cumsum([0, *map(len, sets)]).astype(np.int64)
    return offsets, np.array([value for one in sets for value in sorted(one)], dtype=np.uint64)


@pytest.mark.parametrize("seed", range(40))
def test_representatives_are_those_of_comparing_one_by_one(seed):
    rng = np.random.default_rng(seed)
    components, sets = [], []
    for component in rng.permutation(12):
        base = set(rng.integers(0, 60, rng.integers(0, 25)).tolist())
        for _ in range(rng.integers(1, 12)):
            components.append(int(component))
            sets.append((base - set(rng.integers(0, 60, 8).tolist())) | set(rng.integers(0, 60, rng.integers(0, 6)).tolist()))
    for threshold, cap in ((0.5, 64), (0.8, 64), (0.6, 2), (0.9, 1)):
        found, similarity = verified(np.array(components), *flat(sets), threshold, cap)
        expected, wanted = brute_force(components, sets, threshold, cap)
        assert found.tolist() == expected
        assert similarity == pytest.approx(wanted)


def test_chains_are_broken_where_the_ends_share_nothing():
    sets = [set(range(0, 10)), set(range(3, 13)), set(range(6, 16))]
    found, similarity = verified(np.zeros(3, dtype=np.int64), *flat(sets), 0.5)
    assert found.tolist() == [0, 0, 2] and similarity.tolist() == [1.0, 7 / 13, 1.0]


def test_equal_hashes_of_other_components_do_not_count():
    sets = [{1, 2, 3}, {9}, {1, 2, 3}]
    assert verified(np.array([5, 5, 7]), *flat(sets), 0.1)[0].tolist() == [0, 1, 2]


def test_nothing_resembles_an_empty_document():
    assert verified(np.zeros(3, dtype=np.int64), *flat([set(), set(), {1}]), 0.0)[0].tolist() == [0, 1, 2]
    empty = np.empty(0, dtype=np.int64)
    assert [len(part) for part in verified(empty, np.zeros(1, dtype=np.int64), empty.astype(np.uint64), 0.8)] == [0, 0]


def test_a_cluster_of_thousands_takes_seconds():
    rng = np.random.default_rng(1)
    same = [set(rng.integers(0, 2**60, 300).tolist())] * 3000
    mixed = [set(rng.integers(0, 2**60, 300).tolist()) for _ in range(2000)]
    start = time.perf_counter()
    found, _ = verified(np.repeat([1, 2], [3000, 2000]), *flat(same + mixed), 0.8)
    assert (found[:3000] == 0).all() and np.array_equal(found[3000:], np.arange(3000, 5000))
    assert time.perf_counter() - start < 20
