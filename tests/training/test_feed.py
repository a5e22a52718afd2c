"""The feed is a pure function of its index: exact shares, nothing twice, nothing left out."""

import collections
import itertools
import json
import tracemalloc

import numpy as np
import pytest
import torch

from raylm.errors import UserError
from raylm.tokenizer.shards import TokenShards
from raylm.training.feed import PATTERN, Feed, interleave
from raylm.training.heldout import bits_per_byte, heldout_windows


def shards(tmp_path, sizes: dict[str, list[int]]) -> TokenShards:
    """Each token is unique within its source: source number * 10000 + position."""
    index = {"vocabulary": 60_000, "dtype": "uint16", "heldout_fraction": 0.1, "sources": {}}
    for number, (name, lengths) in enumerate(sorted(sizes.items()), start=1):
        for split in ("train", "heldout"):
            folder = tmp_path / "shards" / name / split
            folder.mkdir(parents=True)
            half = len(lengths) // 2
            position = number * 10_000
            for part, own in enumerate((lengths[:half], lengths[half:])):
                np.save(folder / f"tokens-{part:05d}.npy", np.arange(position, position + sum(own)).astype(np.uint16))
                np.save(folder / f"offsets-{part:05d}.npy", np.cumsum([0, *own]).astype(np.int64))
                position += sum(own)
        size = {"tokens": sum(lengths), "documents": len(lengths), "bytes": 3 * sum(lengths)}
        index["sources"][name] = {"train": size, "heldout": size}
    (tmp_path / "index.json").write_text(json.dumps(index))
    return TokenShards.open(tmp_path)


def test_shares_are_exact_and_evenly_spread():
    names, pattern, rank = interleave({"a": 0.7, "b": 0.2, "c": 0.1, "none": 0.0})
    assert names == ["a", "b", "c"]
    counts = np.bincount(pattern)
    assert counts.sum() == PATTERN
    assert np.abs(counts / PATTERN - [0.7, 0.2, 0.1]).max() < 1 / PATTERN
    for source in range(3):
        assert rank[pattern == source].tolist() == list(range(counts[source]))
    for first in range(0, PATTERN, 256):
        assert abs(np.mean(pattern[first:first + 256] == 0) - 0.7) < 0.02


def test_an_epoch_sees_every_window_once_and_the_next_one_differs(tmp_path):
    feed = Feed(shards(tmp_path, {"a": [30, 50, 20, 41, 60, 17]}), {"a": 1.0}, 16, seed=3)
    windows = feed.streams[0].windows
    assert windows == 217 // 16
    first = [feed.streams[0].window(i)[0][:-1] for i in range(windows)]
    seen = collections.Counter(np.concatenate(first).tolist())
    assert set(seen.values()) == {1}
    assert len(seen) == windows * 16
    second = [feed.streams[0].window(windows + i)[0][:-1] for i in range(windows)]
    assert not np.array_equal(np.concatenate(first), np.concatenate(second))


def test_a_long_document_does_not_fill_many_samples_in_a_row(tmp_path):
    feed = Feed(shards(tmp_path, {"a": [1600, 1600, 1601]}), {"a": 1.0}, 16, seed=0)
    documents = [int(feed.streams[0].window(i)[1][0]) for i in range(30)]
    assert set(documents) == {0, 1, 2}
    assert max(documents.count(d) for d in range(3)) < 20


def test_windows_do_not_depend_on_how_they_are_asked_for(tmp_path):
    data = shards(tmp_path, {"a": [100, 200], "b": [150, 90]})
    one = Feed(data, {"a": 0.5, "b": 0.5}, 16, seed=1).batch(0, 40)
    other = Feed(data, {"a": 0.5, "b": 0.5}, 16, seed=1)
    parts = [other.batch(first, 8) for first in range(32, -1, -8)][::-1]
    for name in one:
        assert torch.equal(one[name], torch.cat([part[name] for part in parts]))


def test_labels_are_the_next_token_of_the_same_document(tmp_path):
    batch = Feed(shards(tmp_path, {"a": [7, 9, 5, 11, 30]}), {"a": 1.0}, 20, seed=0).batch(0, 3)
    follows = batch["labels"] != -100
    assert torch.equal(batch["labels"][follows], batch["ids"][follows] + 1)
    ends = batch["documents"][:, 1:] != batch["documents"][:, :-1]
    assert torch.equal(~follows[:, :-1], ends)


def test_a_source_too_small_for_a_window_is_a_clear_error(tmp_path):
    with pytest.raises(UserError, match="'a' has 12 tokens, too few"):
        Feed(shards(tmp_path, {"a": [5, 7]}), {"a": 1.0}, 16, seed=0)


def joined(data: TokenShards, source: str, split: str) -> tuple[np.ndarray, list[np.ndarray]]:
    """All tokens of a split in memory, whole and by document."""
    parts = zip(data.tokens(source, split), data.offsets(source, split), strict=True)
    documents = [np.asarray(tokens[a:b], np.int64) for tokens, borders in parts for a, b in itertools.pairwise(borders)]
    return np.concatenate(documents), documents


def test_an_epoch_is_the_shuffled_documents_joined_and_cut(tmp_path):
    data = shards(tmp_path, {"a": [30, 5, 20, 41, 6, 17, 3, 3, 90, 12]})
    stream = Feed(data, {"a": 1.0}, 16, seed=3).streams[0]
    whole, documents = joined(data, "a", "train")
    for number in range(3):
        random = np.random.default_rng([3, number, *b"a"])
        order, places = random.permutation(len(documents)), random.permutation((len(whole) - 1) // 16)
        text = np.concatenate([documents[which] for which in order])
        of = np.repeat(np.arange(len(order)), [len(documents[which]) for which in order])
        for index, place in enumerate(places * 16):
            tokens, numbers = stream.window(number * len(places) + index)
            assert tokens.dtype == numbers.dtype == np.int64
            assert np.array_equal(tokens, text[place:place + 17])
            assert np.array_equal(numbers, of[place:place + 17])


def test_an_epoch_holds_few_bytes_for_each_document(tmp_path):
    stream = Feed(shards(tmp_path, {"a": [3] * 20_000}), {"a": 1.0}, 16, seed=0).streams[0]
    stream.window(0)
    held = [*vars(stream).values(), *vars(stream.epoch(0)).values()]
    arrays = [array for array in held if isinstance(array, np.ndarray)]
    assert sum(array.nbytes for array in arrays) <= 10 * 20_000


@pytest.mark.parametrize(("length", "limit"), [(16, 4), (16, 100), (7, 3), (131, 5)])
def test_heldout_windows_are_those_of_the_joined_text(tmp_path, length, limit):
    sizes = [40, 1, 60, 3, 2, 27]
    data = shards(tmp_path, {"a": sizes})
    whole, documents = joined(data, "a", "heldout")
    of = np.repeat(np.arange(len(documents)), sizes)
    windows = (len(whole) - 1) // length
    places = np.unique(np.linspace(0, windows - 1, min(limit, windows)).astype(np.int64)) * length
    batch = heldout_windows(data, "a", length, limit)
    assert batch["ids"].tolist() == [whole[p:p + length].tolist() for p in places]
    assert batch["documents"].tolist() == [of[p:p + length].tolist() for p in places]
    last = [of[p + 1:p + length + 1] != of[p:p + length] for p in places]
    assert batch["labels"].tolist() == [np.where(end, -100, whole[p + 1:p + length + 1]).tolist()
                                        for p, end in zip(places, last, strict=True)]


def test_heldout_windows_read_no_more_than_they_show(tmp_path):
    folder = tmp_path / "shards" / "a" / "heldout"
    folder.mkdir(parents=True)
    np.save(folder / "tokens-00000.npy", np.zeros(1_000_000, np.uint16))
    np.save(folder / "offsets-00000.npy", np.arange(0, 1_000_001, 50))
    data = TokenShards(tmp_path, {})
    tracemalloc.start()
    heldout_windows(data, "a", 64, 8)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200_000


def test_heldout_text_shorter_than_a_window_is_one_shorter_window(tmp_path):
    data = shards(tmp_path, {"a": [40, 60, 33], "tiny": [3, 4], "nothing": [1]})
    assert heldout_windows(data, "a", 16, 4)["ids"].shape == (4, 16)
    tiny = heldout_windows(data, "tiny", 16, 4)
    assert tiny["ids"].tolist() == [[30_000, 30_001, 30_002, 30_003, 30_004, 30_005]]
    assert tiny["labels"].tolist() == [[30_001, 30_002, -100, 30_004, 30_005, 30_006]]
    assert heldout_windows(data, "nothing", 16, 4) is None


def test_bits_per_byte_are_of_the_heldout_text(tmp_path):
    data = shards(tmp_path, {"a": [40, 60, 33]})
    assert bits_per_byte(np.log(2) * 3, data.index, "a") == pytest.approx(1.0)
