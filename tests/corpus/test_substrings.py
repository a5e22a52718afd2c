"""Repeated passages are found as by comparing everything with everything, and cut so that what stays is text."""

import random

import pytest
from spans_world import make_corpus, run_step

from raylm.corpus.steps.substrings import Substrings


def words(seed, count):
    rng = random.Random(seed)
    return " ".join("".join(rng.choice("abcdefghij") for _ in range(rng.randrange(3, 9))) for _ in range(count))


@pytest.fixture(scope="module")
def documents():
    licence = "Permission is hereby granted, " + words(1, 60)
    chinese = "".join(random.Random(2).choices("天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏", k=60))
    made = {}
    for number in range(40):
        made[f"licence-{number:02d}"] = ("second", f"{words(100 + number, 50)}\n{licence}\n{words(200 + number, 50)}")
    for number in range(4):
        made[f"chinese-{number}"] = ("second", f"{number}头{words(300 + number, 20)}。{chinese}尾{words(400 + number, 20)}")
    made["original"] = ("first", f"{words(500, 30)}\n{licence}\n")
    made["only"] = ("second", licence)
    made["run"] = ("second", words(600, 30) + " " + "a" * 50_000)
    made["run too"] = ("second", "a" * 70_000)
    made["alone"] = ("second", words(700, 200))
    made["empty"] = ("second", "")
    return licence, chinese, made


@pytest.mark.parametrize("keep", ["first", "none"])
def test_repeats_are_cut_the_same_in_any_number_of_partitions(documents, keep, tmp_path, ray_cluster):
    licence, chinese, made = documents
    step = Substrings(length=100, keep=keep)
    left, figures = run_step(step, make_corpus(tmp_path / "3", made, 3), tmp_path / "3")
    other, more = run_step(step, make_corpus(tmp_path / "7", made, 7), tmp_path / "7")
    assert left == other and figures == more
    assert "alone" not in left and "empty" not in left
    assert left["only"] is None and left["run too"] is None
    copies = [id for id, (_, text) in made.items() if licence in (left.get(id, text) or "")]
    assert copies == (["original"] if keep == "first" else [])
    copies = [id for id, (_, text) in made.items() if chinese in (left.get(id, text) or "")]
    assert len(copies) == (keep == "first")
    for number in range(40):
        before, after = words(100 + number, 50), words(200 + number, 50)
        assert left[f"licence-{number:02d}"].startswith(before) and left[f"licence-{number:02d}"].endswith(after)
        assert len(left[f"licence-{number:02d}"]) < len(before) + len(after) + 30
    assert figures["documents_removed"] == 2 and figures["bytes_cut"] > 40 * len(licence) * 0.9


@pytest.mark.slow
def test_shuffles_find_what_one_task_finds(documents, tmp_path, ray_cluster):
    *_, made = documents
    step = Substrings(length=64, borders="character", min_left=1)
    expected = run_step(step, make_corpus(tmp_path / "1", made, 1), tmp_path / "1")
    shuffled = step.model_copy(update={"bytes_in_one_task": 0, "rows_in_one_task": 0})
    assert run_step(shuffled, make_corpus(tmp_path / "7", made, 7), tmp_path / "7") == expected
    assert len(expected[0]) > 40
