"""A text is split once for all who ask, and Chinese, Japanese and Thai into words as their readers see them."""

import pytest

from raylm.corpus.text import TextView


@pytest.mark.parametrize(("text", "words"), [
    ("It's a well-known fact, isn't it?", ["It's", "a", "well-known", "fact,", "isn't", "it?"]),
    ("我们在学习自然语言处理，Python 很有趣。", ["我们", "在", "学习", "自然语言", "处理", "，", "Python", "很", "有趣", "。"]),
    ("今日は良い天気です。", ["今日", "は", "良い", "天気", "です", "。"]),
    ("ฉันชอบกินข้าว (really)", ["ฉัน", "ชอบ", "กิน", "ข้าว", "(really)"]),
    ("", []),
    (" \n\t ", []),
])
def test_words_are_what_white_space_or_a_segmenter_parts(text, words):
    assert TextView(text).words == words


def test_no_character_of_an_unspaced_script_is_lost_or_cut_twice():
    for text in ("東京都に住んでいる人々は多い" * 300, "自然语言处理" * 900, "ภาษาไทยสวยงาม" * 300, "abc中文ไทยかな"):
        assert "".join(TextView(text).words) == text


def test_tokens_of_unspaced_scripts_are_characters():
    assert TextView("深度学习 is fun").tokens == ["深", "度", "学", "习", "is", "fun"]
    assert TextView("snake_case(x1), naïve—word").tokens == ["snake_case", "x1", "naïve", "word"]


@pytest.mark.parametrize(("text", "sentences"), [
    ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
    ("Mr. Smith met J. R. Tolkien, e.g. at 5 p.m. on Monday. He left.",
     ["Mr. Smith met J. R. Tolkien, e.g. at 5 p.m. on Monday.", "He left."]),
    ('"Stop!" she said. "Why?" (He did not know.) End.', ['"Stop!" she said.', '"Why?"', "(He did not know.)", "End."]),
    ("今天天气很好。你呢？「好的！」他说。", ["今天天气很好。", "你呢？", "「好的！」", "他说。"]),
    ("A heading\n\nA paragraph of one line\nand another", ["A heading", "A paragraph of one line\nand another"]),
    ("Version 3.11.7 is out.", ["Version 3.11.7 is out."]),
    ("\n \n", []),
])
def test_sentences_end_at_their_marks(text, sentences):
    assert TextView(text).sentences == sentences


def test_lines_and_paragraphs():
    view = TextView("a\n\n b \nc\n\n\nd\n")
    assert view.raw_lines == ["a", "", " b ", "c", "", "", "d", ""]
    assert view.lines == ["a", "b", "c", "d"]
    assert view.line_runs == ["a", " b ", "c", "d", ""]
    assert view.paragraphs == ["a", " b \nc", "d"]


def test_equal_words_have_equal_numbers():
    assert TextView("to be or not to be").word_ids.tolist() == [0, 1, 2, 3, 0, 1]
    assert TextView("").word_ids.tolist() == []


def test_another_splitter_can_take_its_place(monkeypatch):
    class Letters:
        def words(self, text):
            return [letter for letter in text if letter.strip()]

        def sentences(self, text):
            return [text]

    monkeypatch.setattr(TextView, "splitter", Letters())
    assert TextView("a b. c").words == ["a", "b", ".", "c"]
    assert TextView("a b. c").sentences == ["a b. c"]


@pytest.mark.parametrize("bait", ["." * 200_000, "\n" * 200_000, "!?" * 100_000, "A." * 100_000, ". \n" * 60_000, "。" * 200_000,
                                  "你" * 200_000, "ก" * 50_000, "\ud800" * 1000])
def test_no_text_is_long_to_split(bait):
    import time

    started = time.process_time()
    view = TextView(bait)
    assert len(view.words) + len(view.sentences) + len(view.tokens) + len(view.paragraphs) + len(view.utf8) > 0
    assert time.process_time() - started < 5
