"""Repeated sentences, lines and paragraphs go, the first of them stays, and no cut breaks a character or glues words together."""

import random
from itertools import pairwise

import numpy as np
import pytest
from spans_world import make_corpus, make_earlier, one_part, run_step

from raylm.corpus.dedup.cutting import character_ranges, sentence_starts, snapped, without
from raylm.corpus.dedup.repeats import cut_texts
from raylm.corpus.dedup.spans import SPLITS, document_spans, lines, normalised, paragraphs, text_spans
from raylm.corpus.steps.paragraphs import Paragraphs
from raylm.corpus.steps.sentences import Sentences
from raylm.corpus.steps.substrings import Substrings


def cuts(text, *ranges, borders="word"):
    """Cut ranges of characters."""
    return without(text, snapped(text, list(ranges), borders))


def test_no_character_is_cut_whatever_the_bytes_asked_for():
    text = "aé天𝄞z" * 3
    raw = text.encode()
    for begin in range(len(raw)):
        for end in range(begin, len(raw) + 1):
            found = character_ranges(raw, [(begin, end)])
            assert len(found) <= 1
            for first, last in found:
                cut = text[first:last].encode()
                assert raw[begin:end].find(cut) >= 0 and len(raw[begin:end]) - len(cut) <= 6
                assert raw == text[:first].encode() + cut + text[last:].encode()


@pytest.mark.parametrize("seed", range(20))
def test_ranges_of_bytes_become_the_same_ranges_of_characters(seed):
    rng = random.Random(seed)
    text = "".join(rng.choice("ab é天𝄞\n.") for _ in range(200))
    raw = text.encode()
    edges = sorted(rng.sample(range(len(raw) + 1), 12))
    found = character_ranges(raw, list(zip(edges[::2], edges[1::2], strict=True)))
    place = np.cumsum([0, *(len(character.encode()) for character in text)])
    expected = []
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        first, last = int(np.searchsorted(place, begin)), int(np.searchsorted(place, end, side="right")) - 1
        if first < last:
            expected.append((first, last))
    assert found == expected


def test_words_are_not_cut_in_the_middle_nor_glued_together():
    text = "one two three four"
    assert cuts(text, (1, 12)) == "one three four"
    assert cuts(text, (4, 7)) == "one  three four"
    assert cuts(text, (5, 12)) == text
    assert cuts(text, (3, 8)) == "one three four"
    assert cuts("one\ntwo\nthree", (3, 8)) == "one\nthree"
    assert cuts("天地玄黄宇宙", (2, 4)) == "天地宇宙"
    assert cuts(text, (5, 6)) == text


def test_a_run_too_long_for_a_word_may_be_cut():
    assert cuts("x" * 500, (100, 400)) == "x" * 100 + " " + "x" * 100


def test_cuts_keep_to_whole_lines_and_sentences():
    text = "First line.\nSecond line here. And more.\nThird.\n"
    assert cuts(text, (5, 42), borders="line") == "First line.\nThird.\n"
    assert cuts(text, (5, 38), borders="line") == text
    assert cuts(text, (14, len(text)), borders="sentence") == "First line.\nSecond line here. "
    assert cuts("你好。今天天气很好！你呢？", (2, 11), borders="sentence") == "你好。你呢？"
    assert cuts(text, (0, len(text)), borders="line") == ""


@pytest.mark.parametrize("text", ["", "a", "One. Two! Three?\nFour",
                                  "“Yes.” He said no… (Maybe.) 你好。再见！", "3.14 is pi.\n\n\nx", "\n\n"])
def test_pieces_follow_each_other_without_gaps(text):
    for split in SPLITS.values():
        starts = split(text)
        assert starts == sorted(set(starts)) and starts[-1] == len(text) and starts[0] == 0


def test_texts_split_where_a_reader_would():
    def parts(split, text):
        starts = split(text)
        return [text[begin:end] for begin, end in pairwise(starts)]

    assert parts(sentence_starts, "One. “Three?” Pi is 3.14.\nFour") == ["One. ", "“Three?” ", "Pi is 3.14.\n", "Four"]
    assert parts(sentence_starts, "你好。今天很好！“是吗？”对") == ["你好。", "今天很好！", "“是吗？”", "对"]
    assert parts(lines, "a\n\n  b\nc") == ["a\n\n  ", "b\n", "c"]
    assert parts(paragraphs, "a\nb\n \nc\n\n\n") == ["a\nb\n \n", "c\n\n\n"]


def test_what_reads_the_same_is_the_same():
    assert normalised("  Hello,   WORLD -- 42! ") == "hello world 42"
    keys = [document_spans(text, lines, 1, 5)[0][2] for text in ("Hello, world", "HELLO\tworld!!", "hello worlds")]
    assert keys[0] == keys[1] != keys[2]


def test_pieces_of_punctuation_go_with_the_piece_before():
    text = "A first sentence.\n***\nA second one. A third one."
    found = document_spans(text, sentence_starts, 2, 1)
    assert [text[begin:end] for begin, end, _ in found] == ["A first sentence.\n***\nA second one. ", "A second one. A third one."]
    assert document_spans("Yes. No.", sentence_starts, 2, 30) == [] == document_spans("...", lines, 1, 1)


def test_spans_are_at_their_bytes():
    documents = {"1": ("first", "Erste Zeile, schön lang.\n第二行也很长很长。\n"), "2": ("first", ""), "3": ("second", "plain\n")}
    one = one_part(0, documents)
    (spans,) = text_spans(one.texts, lines, 1, 3)
    found = [one.texts.data[begin:end].tobytes().decode() for begin, end in zip(spans.starts, spans.ends, strict=True)]
    assert found == ["Erste Zeile, schön lang.\n", "第二行也很长很长。\n", "plain\n"]
    (cut,) = cut_texts(one.texts, spans.starts[1:2], spans.ends[1:2], "character")
    assert cut.text == "Erste Zeile, schön lang.\n" and cut.document == 0


def sentence(number):
    return f"This is the sentence number {number * 7919} of a text about nothing."


@pytest.mark.parametrize("step", [Sentences(), Paragraphs(), Paragraphs(unit="line", keep="none")], ids=lambda step: step.do)
def test_the_first_copy_stays_in_any_number_of_partitions(step, tmp_path, ray_cluster):
    joint = " " if step.do == "sentences" else "\n" if getattr(step, "unit", "") == "line" else "\n\n"
    shared = joint.join(sentence(number) for number in range(3))
    documents = {f"own-{number:02d}": ("second", joint.join([sentence(100 + number), shared.upper(), sentence(200 + number)]))
                 for number in range(20)}
    documents |= {"original": ("first", joint.join([sentence(300), shared, sentence(301)])), "only": ("second", shared),
                  "alone": ("first", joint.join(sentence(400 + number) for number in range(9)))}
    left, figures = run_step(step, make_corpus(tmp_path / "3", documents, 3), tmp_path / "3")
    assert (left, figures) == run_step(step, make_corpus(tmp_path / "7", documents, 7), tmp_path / "7")
    expected = {f"own-{number:02d}": sentence(100 + number) + joint + sentence(200 + number) for number in range(20)}
    expected["only"] = None
    if step.keep == "none":
        expected["original"] = sentence(300) + joint + sentence(301)
    assert left == expected
    assert figures["documents_removed"] == 1 and figures["documents_cut"] == len(expected) - 1


SHARED = " ".join(sentence(number) for number in range(3))


@pytest.mark.parametrize("step", [Sentences, Paragraphs, Substrings], ids=lambda step: step.__name__)
def test_what_an_earlier_corpus_has_is_cut_even_where_it_occurs_once(step, tmp_path, ray_cluster):
    joint = "\n\n" if step is Paragraphs else " "
    # Their ends differ, as a mark that both had before what is shared would be part of it.
    own = {name: f"{sentence(number)} Nothing is like {name}{mark}"
           for number, name, mark in ((500, "one", "!"), (600, "two", "."))}
    documents = {name: ("first", joint.join([text, SHARED])) for name, text in own.items()}
    documents |= {"only": ("first", SHARED), "alone": ("second", sentence(700) + sentence(701))}
    earlier = make_earlier(tmp_path, [sentence(800) * 3, joint.join(["Is it?", SHARED, sentence(802)])], 2)
    for parts in (1, 3):
        root = tmp_path / str(parts)
        left, figures = run_step(step(against=(earlier,), min_left=40), make_corpus(root, documents, parts), root)
        assert {name: text and text.strip() for name, text in left.items()} == {**own, "only": None}
        assert figures["documents_removed"] == 1
    assert step(against=(earlier,)).files("corpus") == (earlier,) and step(against=(earlier,)).files("read") == ()


@pytest.mark.parametrize(("keep", "stays"), [("first", "short"), ("high", "long"), ("low", "short"), ("none", None)])
def test_the_copy_that_stays_can_be_the_best_by_a_column(keep, stays, tmp_path, ray_cluster):
    documents = {"short": ("first", f"{SHARED} {sentence(7)}"), "long": ("second", f"{SHARED} {sentence(8)} {sentence(9)}")}
    step = Sentences(keep=keep, keep_by="bytes" if keep in ("high", "low") else "")
    left, _ = run_step(step, make_corpus(tmp_path, documents, 2), tmp_path)
    assert left.keys() == documents.keys() - {stays}


def test_a_best_copy_needs_a_column_to_be_told_by():
    for given in ({"keep": "high"}, {"keep_by": "bytes"}, {"keep": "none", "keep_by": "bytes"}):
        with pytest.raises(ValueError, match="`keep_by` with `keep: high` or `keep: low`"):
            Sentences(**given)


def test_no_empty_document_is_left(tmp_path, ray_cluster):
    documents = {"original": ("first", SHARED), "copy": ("second", SHARED)}
    left, figures = run_step(Sentences(min_left=0), make_corpus(tmp_path, documents, 2), tmp_path)
    assert left == {"copy": None} and figures["documents_removed"] == 1
