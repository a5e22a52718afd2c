"""The sample and the split are decided by hashes alone."""

import pytest

from raylm.errors import UserError
from raylm.tokenizer.sampling import PASSAGE, passages, sample_rates, select
from raylm.tokenizer.split import is_held_out

IDS = [f"{i:016x}-{i * 7:016x}" for i in range(20_000)]


def test_passages_join_to_the_text_and_are_bounded(library: list[str]):
    for text in library[:50]:
        cut = list(passages(text))
        assert "".join(cut) == text
        assert all(0 < len(passage) <= PASSAGE for passage in cut)


def test_held_out_share_is_what_was_asked_for():
    share = sum(is_held_out(i, 0.05) for i in IDS) / len(IDS)
    assert 0.045 < share < 0.055
    assert not any(is_held_out(i, 0.0) for i in IDS)
    assert all(is_held_out(i, 1.0) for i in IDS)


def test_documents_of_one_file_fall_into_one_split():
    for i in IDS[:500]:
        assert is_held_out(i, 0.3) == is_held_out(i[:16] + "-ffffffffffffffff", 0.3)


def test_growing_the_fraction_only_adds():
    assert all(is_held_out(i, 0.2) for i in IDS if is_held_out(i, 0.1))


def test_sample_has_the_asked_share_of_every_source(library: list[str]):
    text = "\n".join(library[:40])
    for name in ("a", "b"):
        taken = sum(len(passage) for i in range(5) for _, passage in select(f"{name}{i}", text, 0.25, seed=3))
        assert 0.2 < taken / (5 * len(text)) < 0.3


def test_seed_changes_the_sample_and_the_space_mark_is_left_out():
    text = "line \u2581\n" * 2000
    assert select("x", text, 0.3, 1) == select("x", text, 0.3, 1)
    assert select("x", text, 0.3, 1) != select("x", text, 0.3, 2)
    assert all("\u2581" not in passage for _, passage in select("x", text, 1.0, 1))


def test_shares_of_the_sample_follow_the_weights():
    sizes = {"big": 1_000_000, "small": 50_000, "tiny": 1_000, "none": 0}
    shares = {name: rate * sizes[name] for name, rate in sample_rates(sizes, {"big": 1, "small": 3}, 40_000).items()}
    assert shares == pytest.approx({"big": 10_000, "small": 30_000, "tiny": 0, "none": 0})
    shares = {name: rate * sizes[name] for name, rate in sample_rates(sizes, {"big": 1, "small": 3, "tiny": 4}, 40_000).items()}
    assert shares == pytest.approx({"big": 9_750, "small": 29_250, "tiny": 1_000, "none": 0}), "what is short gives all it has"
    assert sample_rates(sizes, {"small": 1}, 10**9)["small"] == 1.0
    assert sample_rates(sizes, None, 105_100) == dict.fromkeys(sizes, 0.1)


def test_a_weight_for_no_source_is_one_clear_line():
    with pytest.raises(UserError, match=r"tokenize\.weights: got 'c', allowed: the sources with training text, a, b"):
        sample_rates({"a": 1, "b": 2}, {"c": 1.0}, 100)
    with pytest.raises(UserError, match="no source with a weight above 0"):
        sample_rates({"a": 1, "b": 0}, {"b": 1.0}, 100)
