"""Repeated passages are exactly those that comparing every window with every other finds, whatever the text and the partitions."""

import time
from collections import Counter

import numpy as np
import pytest
from spans_world import in_one_process

from raylm.corpus.dedup.occurrences import precedence, resolved
from raylm.corpus.dedup.rolling import window_hashes, window_maxima, window_minima


def covered(text: bytes, starts, length):
    inside = np.zeros(len(text), dtype=bool)
    for start in starts:
        inside[start : start + length] = True
    return inside


def naive(documents, length, keep_first):
    """The definition: bytes in a window that occurs at least twice, or, if first ones stay, that occurred before."""
    encoded = {id: text.encode() for id, (_, text) in documents.items()}
    count = Counter(text[at : at + length] for text in encoded.values() for at in range(len(text) - length + 1))
    ranks = np.array([("first", "second").index(source) for source, _ in documents.values()])
    order = [id for _, id in sorted(zip(precedence(ranks, list(documents)).tolist(), documents, strict=True))]
    seen, found = set(), {}
    for id in order:
        text, starts = encoded[id], []
        for at in range(len(text) - length + 1):
            window = text[at : at + length]
            if count[window] > 1 and not (keep_first and window not in seen):
                starts.append(at)
            seen.add(window)
        found[id] = covered(text, starts, length)
    return found


def check(documents, length, parts, keep_first):
    expected = naive(documents, length, keep_first)
    found = in_one_process(documents, parts, length, keep_first)
    for id, (_, text) in documents.items():
        inside = np.zeros(len(text.encode()), dtype=bool)
        for begin, end in found[id]:
            inside[begin:end] = True
        assert np.array_equal(inside, expected[id]), (documents, length, parts, id)
        assert all(first[1] < second[0] for first, second in zip(found[id], found[id][1:], strict=False))


@pytest.mark.parametrize("keep_first", [True, False])
@pytest.mark.parametrize("seed", range(60))
def test_found_bytes_are_those_of_comparing_all_windows(seed, keep_first):
    rng = np.random.default_rng(seed)
    letters = ["a", "ab", "abc", "aé", "天地a", "abcdefgh"][seed % 6]
    documents = {str(number): (("first", "second")[rng.integers(2)], "".join(rng.choice(list(letters), rng.integers(0, 80))))
                 for number in range(rng.integers(1, 14))}
    if seed % 3 == 0:  # longer copies among them
        documents |= {str(50 + number): ("second", "".join(text for _, text in list(documents.values())[number : number + 3]))
                      for number in range(3)}
    check(documents, int(rng.integers(2, 24)), int(rng.integers(1, 5)), keep_first)


@pytest.mark.parametrize("text", ["a" * 400, "ab" * 200, "abcdefghijklmnopqrstuvwxyz" * 12, "x" * 99, "x" * 100, "x" * 101,
                                  "é" * 200, "a" * 150 + "b" + "a" * 150, "天地玄黄" * 60])
def test_text_of_a_short_period_is_found_whole(text):
    for parts in (1, 2):
        check({"0": ("first", text), "1": ("second", "unlike")}, 100, parts, True)
        check({"0": ("first", text), "1": ("second", text)}, 100, parts, False)


def test_windows_never_span_two_documents():
    passage = "0123456789" * 12
    documents = {str(number): ("first", passage[:60] if number % 2 else passage[60:120]) for number in range(10)}
    assert not any(in_one_process(documents, 1, 100, False).values())


def test_block_and_stretch_borders_hide_nothing(monkeypatch):
    rng = np.random.default_rng(3)
    passage = "".join(rng.choice(list("abcdefgh"), 300))
    filler = ["".join(rng.choice(list("abcdefgh"), 1000)) for _ in range(4)]
    documents = {str(number): ("first", text[:500] + passage + text[500:]) for number, text in enumerate(filler)}
    for block, stretch in ((128, 256), (256, 512), (64, 1 << 20)):
        monkeypatch.setattr("raylm.corpus.dedup.winnow.BLOCK", block)
        monkeypatch.setattr("raylm.corpus.dedup.winnow.STRETCH", stretch)
        found = in_one_process(documents, 2, 100, False)
        assert all(begin <= 500 and end >= 800 and end - begin < 330 for ((begin, end),) in found.values())


def test_a_million_equal_windows_are_few_rows_and_little_time():
    documents = {"0": ("first", "a" * 5_000_000), "1": ("first", "a" * 3_000_000), "2": ("first", "b" * 200)}
    start = time.perf_counter()
    found = in_one_process(documents, 2, 100, True)
    assert time.perf_counter() - start < 60
    sizes = sorted(sum(end - begin for begin, end in found[id]) for id in ("0", "1"))
    assert sizes in ([3_000_000, 4_999_999], [2_999_999, 5_000_000]) and found["2"] == [(1, 200)]


def test_sliding_minima_and_maxima_are_those_of_each_window():
    values = np.random.default_rng(0).integers(0, 50, 300).astype(np.uint64)
    for width in (1, 2, 7, 51, 300):
        windows = np.lib.stride_tricks.sliding_window_view(values, width)
        assert np.array_equal(window_minima(values, width), windows.min(axis=1))
        assert np.array_equal(window_maxima(values, width), windows.max(axis=1))
    assert len(window_minima(values, 301)) == 0


def test_hashes_are_equal_for_equal_windows_only_and_never_change():
    data = np.frombuffer(b"abracadabra" * 300 + bytes(range(256)), dtype=np.uint8)
    for length in (1, 2, 3, 50, 100):
        hashes = window_hashes(data, length, 1)
        windows = [data[at : at + length].tobytes() for at in range(len(hashes))]
        assert len(set(hashes.tolist())) == len(set(windows)) == len(set(zip(hashes.tolist(), windows, strict=True)))
    # The Thue-Morse string and its complement, on which every polynomial hash modulo 2^64 collides.
    morse = np.array([bin(number).count("1") % 2 for number in range(4096)], dtype=np.uint8)
    assert window_hashes(morse, 4096, 1)[0] != window_hashes(1 - morse, 4096, 1)[0]
    assert int(window_hashes(data, 50, 1)[7]) == KEY  # else another version would make another corpus of the same recipe


KEY = 10122722401551735852


def test_keys_that_share_a_half_are_told_apart():
    high, low = np.array([5, 5, 5, 5], dtype=np.uint64), np.array([1, 2, 1, 3], dtype=np.uint64)
    repeated, first = resolved(high, low, np.array([9, 1, 4, 1], dtype=np.uint64), np.arange(4), np.array([1, 1, 1, 2]))
    assert repeated.tolist() == [True, False, True, True] and first.tolist() == [False, True, True, True]
