"""Near-duplicate search finds pairs as often as the closed form says, and clusters are exactly the connected components."""

import random
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from datasketch import MinHash, MinHashLSH
from ray.data._internal.arrow_ops.transform_pyarrow import hash_partition
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from raylm.corpus.dedup.components import both_ways, large_star, small_star, union_find
from raylm.corpus.dedup.edges import PREFERENCES, distinct, pack_nodes, partition_of, preference, row_of, star_edges
from raylm.corpus.dedup.shingling import shingle_hashes, shingles
from raylm.corpus.dedup.signatures import (
    band_keys,
    bands_and_rows,
    content_key,
    mix,
    probability,
    signatures,
)
from raylm.corpus.parts import _keys_apart, exchanged
from raylm.corpus.text import TextView


def pair(jaccard, size, seed):
    rng = np.random.default_rng(seed)
    shared = round(2 * size * jaccard / (1 + jaccard))
    values = rng.integers(0, 2**64, 2 * size - shared, dtype=np.uint64)
    return np.unique(values[:size]), np.unique(values[size - shared :])


@pytest.mark.parametrize("jaccard", [0.6, 0.75, 0.85, 0.95])
def test_pairs_share_a_band_as_often_as_the_closed_form_says(jaccard):
    bands, rows = bands_and_rows(0.8, 128)
    trials = 600
    sets = [one for seed in range(trials) for one in pair(jaccard, 400, seed)]
    keys = band_keys(signed(sets), bands, rows).reshape(trials, 2, bands)
    found = (keys[:, 0] == keys[:, 1]).any(axis=1).mean()
    expected = probability(jaccard, bands, rows)
    # Sets have a rounded Jaccard; five standard errors of a binomial, plus that.
    assert abs(found - expected) < 5 * np.sqrt(max(expected * (1 - expected), 0.002) / trials) + 0.01


def test_signatures_estimate_jaccard_without_bias():
    estimates = [np.mean(np.equal(*signed(list(pair(0.7, 300, seed))))) for seed in range(200)]
    assert abs(np.mean(estimates) - 0.7) < 0.01


def test_signatures_are_as_sharp_as_those_of_datasketch():
    ours, theirs = [], []
    for seed in range(150):
        sets = pair(0.6, 250, seed)
        ours.append(np.mean(np.equal(*signed(list(sets)))))
        sketches = [MinHash(num_perm=128) for _ in sets]
        for sketch, values in zip(sketches, sets, strict=True):
            sketch.update_batch([value.tobytes() for value in values])
        theirs.append(sketches[0].jaccard(sketches[1]))
    # Two samples of one distribution: equal means and spreads within some standard errors.
    assert abs(np.mean(ours) - np.mean(theirs)) < 4 * np.std(theirs) * np.sqrt(2 / 150)
    assert 0.75 < np.std(ours) / np.std(theirs) < 1.33


def test_bands_are_datasketch_optimum_and_fit_the_signature():
    assert bands_and_rows(0.8, 128) == (MinHashLSH(threshold=0.8, num_perm=128).b, MinHashLSH(threshold=0.8, num_perm=128).r)
    bands, rows = bands_and_rows(0.8, 128)
    assert bands * rows <= 128 and probability(0.95, bands, rows) > 0.99 and probability(0.5, bands, rows) < 0.01


def signed(sets, permutations=128):
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in sets])]).astype(np.int64)
    return signatures(np.concatenate(sets), offsets, permutations)


def test_signatures_and_keys_never_change():
    # Fixed values: another library version that hashed differently would silently make another corpus of the same recipe.
    found = shingles("The quick brown fox jumps, over the lazy dog", 5)
    keys = band_keys(signed([found]), 9, 13)
    assert len(found) == 5
    assert int(keys[0, 0]) == KEY
    assert content_key("a  b\n") == content_key("a b") != content_key("ab")


KEY = 2258644982579118181


def test_shingles_are_sets_of_token_runs():
    assert len(shingles("a b c d e f", 5)) == 2
    assert len(shingles("a b", 5)) == 1
    assert len(shingles("", 5)) == len(shingles("... --", 5)) == 0
    assert len(shingles("a " * 50, 5)) == 1
    assert not np.array_equal(shingles("a b c d e", 5), shingles("e d c b a", 5))
    assert np.array_equal(shingles("a, b: c d e", 5), shingles("a b c d e\n", 5))
    assert len(shingles("春眠不覺曉", 5)) == 1 and len(shingles("春眠不覺曉，處處", 5)) == 3


def test_shingle_hashes_are_one_to_one_with_runs_of_the_splitter_tokens():
    rng = random.Random(0)
    letters = [*"abcXYZ019_ -.,\n\t'", "é", "中", "文", "ก", "あ", "가", "Ａ", "\u0300", "\u2028", "😀", *"     "]
    texts = ["".join(rng.choice(letters) for _ in range(rng.randrange(200))) for _ in range(800)]
    flat, offsets = shingle_hashes(texts, 5)
    told = {}
    for text, (start, end) in zip(texts, pairwise(offsets.tolist()), strict=True):
        tokens = TextView(text).tokens
        n = min(5, len(tokens))
        runs = [tuple(tokens[at : at + n]) for at in range(len(tokens) - n + 1)] if tokens else []
        assert len(runs) == end - start
        for run, value in zip(runs, flat[start:end].tolist(), strict=True):
            assert told.setdefault(run, value) == value
    assert len(set(told.values())) == len(told) > 10_000


def test_shingles_do_not_depend_on_where_a_long_text_is_cut(monkeypatch):
    import raylm.corpus.dedup.shingling as module

    text = " ".join(f"word{number % 977}" for number in range(3_000))
    whole = shingle_hashes(["short", text, "x y"], 5)
    module._powers.cache_clear()
    monkeypatch.setattr(module, "_CHUNK", 1 << 10)
    parts = shingle_hashes(["short", text, "x y"], 5)
    module._powers.cache_clear()
    assert np.array_equal(whole[0], parts[0]) and np.array_equal(whole[1], parts[1])


def test_mix_is_a_bijection_on_a_sample():
    assert len(np.unique(mix(np.arange(100_000, dtype=np.uint64)))) == 100_000


def test_nodes_pack_rank_partition_and_row():
    ones = np.ones(2, dtype=np.int64)
    nodes = pack_nodes(ones, np.array([3, 0]), 513, np.array([7, 2**28 - 1]))
    assert partition_of(nodes).tolist() == [513, 513] and row_of(nodes).tolist() == [7, 2**28 - 1]
    assert nodes[1] < nodes[0] and nodes.min() > 0
    most = pack_nodes(np.array([PREFERENCES - 1]), np.array([127]), 65535, np.array([2**28 - 1]))
    assert most[0] == 2**63 - 1
    better = pack_nodes(np.array([1, 2]), np.array([9, 0]), 0, np.array([5, 5]))
    assert better[0] < better[1]


@pytest.mark.parametrize("high", [True, False])
def test_preference_keeps_the_order_of_probabilities_and_of_perplexities(high):
    scores = np.array([-5.0, 0.0, 0.01, 0.3, 0.5, 0.9, 1.0, 90.0, 200.0, 300.0, 1e6, np.nan])
    found = preference(scores, len(scores), high)
    ordered = found[:-1] if not high else found[:-1][::-1]
    assert (np.diff(ordered) > 0).all() and found[-1] == found.max() == PREFERENCES - 1 and found.min() >= 1
    assert (preference(None, 3) == 1).all()


def test_stars_join_each_bucket_to_its_smallest_whatever_the_order():
    keys = np.array([5, 5, 5, 9, 9, 1, 5], dtype=np.uint64)
    nodes = np.array([30, 10, 20, 7, 8, 99, 10])
    order = np.random.default_rng(0).permutation(len(keys))
    for permuted in (np.arange(len(keys)), order):
        u, v = star_edges(keys[permuted], nodes[permuted])
        assert list(zip(u.tolist(), v.tolist(), strict=True)) == [(8, 7), (20, 10), (30, 10)]
    assert [len(part) for part in star_edges(keys[:0], nodes[:0])] == [0, 0]


def reference(u, v):
    ids, flat = np.unique(np.concatenate([u, v]), return_inverse=True)
    graph = coo_matrix((np.ones(len(u)), (flat[: len(u)], flat[len(u) :])), shape=(len(ids), len(ids)))
    _, label = connected_components(graph, directed=False)
    smallest = np.full(label.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(smallest, label, ids)
    roots = smallest[label]
    return ids[roots != ids], roots[roots != ids]


def in_rounds(u, v, parts):
    """The rounds of raylm/corpus/dedup/clusters.py without Ray: each node's edges are together in one of `parts`."""
    sizes = [len(u)]
    while True:
        a, b = both_ways(u, v)
        results = [large_star(a[a % parts == part], b[a % parts == part]) for part in range(parts)]
        u, v = np.concatenate([r[0] for r in results]), np.concatenate([r[1] for r in results])
        sizes.append(len(u))
        if not sum(r[2] for r in results):
            return (*distinct(u, v), sizes)
        stars = [small_star(u[u % parts == part], v[u % parts == part]) for part in range(parts)]
        u, v = np.concatenate([r[0] for r in stars]), np.concatenate([r[1] for r in stars])


def graphs():
    rng = np.random.default_rng(7)
    line = rng.permutation(2000).astype(np.int64)
    yield "chain", np.arange(1, 2000), np.arange(1999)
    yield "shuffled chain", line[1:], line[:-1]
    yield "star", np.arange(1, 500), np.zeros(499, dtype=np.int64)
    yield "star around the largest", np.full(499, 500), np.arange(1, 500)
    yield "dense", *rng.integers(0, 300, (2, 3000))
    yield "sparse", *rng.integers(0, 5000, (2, 2500))
    yield "one edge", np.array([9]), np.array([4])


@pytest.mark.parametrize(("name", "u", "v"), list(graphs()), ids=lambda value: value if isinstance(value, str) else "")
def test_one_task_and_rounds_give_scipys_components(name, u, v):
    u, v = u[u != v].astype(np.int64), v[u != v].astype(np.int64)
    members, roots = reference(u, v)
    assert all(map(np.array_equal, union_find(u, v), (members, roots)))
    *found, sizes = in_rounds(*distinct(u, v), parts=5)
    assert all(map(np.array_equal, found, (members, roots)))
    assert max(sizes) <= sizes[0] and len(sizes) < 20, f"{name}: edges grew or rounds did not settle: {sizes}"


def test_no_edges_are_no_components():
    empty = np.empty(0, dtype=np.int64)
    assert [len(part) for part in union_find(empty, empty)] == [0, 0]
    assert large_star(empty, empty)[2] == 0 and len(small_star(empty, empty)[0]) == 0


def test_texts_with_small_edits_are_found_and_different_ones_are_not():
    rng = random.Random(3)
    text = [f"w{rng.randrange(5000)}" for _ in range(800)]
    edited = [*text[:400], "changed", *text[401:]]
    other = [f"w{rng.randrange(5000)}" for _ in range(800)]
    keys = band_keys(signed([shingles(" ".join(one), 5) for one in (text, edited, other)]), 9, 13)
    assert (keys[0] == keys[1]).any() and not (keys[0] == keys[2]).any()


@pytest.mark.parametrize("parts", [1, 2, 7, 8, 100, 1000])
def test_a_shuffle_brings_each_part_to_a_block_of_its_own(parts):
    block = pa.table({"block": _keys_apart(parts)})
    assert {number: rows.num_rows for number, rows in hash_partition(block, hash_cols=["block"], num_partitions=parts).items()} == \
        dict.fromkeys(range(parts), 1)


_ROWS = pa.schema([("part", pa.int32()), ("value", pa.int64())])


@pytest.mark.parametrize("only", [0, 2])
def test_a_shuffle_takes_tasks_without_rows_wherever_they_come(only, ray_cluster):
    def spread(part):
        yield _ROWS.empty_table()
        if part == only:
            yield pa.table({"part": [0, 5, 7, 7], "value": [1, 2, 3, 4]}, schema=_ROWS)

    found = exchanged(3, spread, 4, lambda part, rows: iter([pa.table({"part": [part], "rows": [rows.num_rows]})]), small=False)
    assert sorted((row["part"], row["rows"]) for row in found) == [(0, 1), (5, 1), (7, 2)]
