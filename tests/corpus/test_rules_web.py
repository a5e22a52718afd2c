"""C4's and FineWeb's rules on pages of the web."""

import pytest
from asking import columns, judged, rule

from raylm.corpus.c4_lines import LineRules, c4_lines
from raylm.corpus.document import Document
from raylm.corpus.measures.c4 import C4Page
from raylm.corpus.measures.fineweb import FineWeb

LINE = "This is a sentence with enough words in it."
PAGE = "\n".join([LINE] * 5)


@pytest.mark.parametrize(("page", "reason"), [
    (PAGE, None),
    ("\n".join([LINE] * 4), "too few sentences"),
    (f"{LINE} {LINE} {LINE} {LINE} {LINE}", None),
    (PAGE.replace(".", ","), "too few sentences"),
    (PAGE.replace(".", "..."), "too few sentences"),
    (PAGE.replace(".", '."'), None),
    (PAGE + "\nSome Lorem ipsum dolor sit amet.", "lorem ipsum"),
    (PAGE + "\nLorem ipsum without an end", None),
    (PAGE + "\nvar x = function() { return 1.", "curly bracket"),
    (PAGE + "\nPlease enable JavaScript in {{browser}} to go on.", None),
    ("\n".join([LINE] * 4) + "\nPlease enable JavaScript to go on.", "too few sentences"),
    ("\n".join([LINE] * 4) + "\nWe make use of cookies here.", "too few sentences"),
    ("\n".join([LINE] * 4) + "\nRead our Privacy Policy and more.", "too few sentences"),
    ("\n".join([LINE] * 4) + "\nTwo words.", "too few sentences"),
    ("\n".join([LINE] * 4) + "\nWith a " + "x" * 1001 + " word.", "too few sentences"),
    ("\n".join([LINE] * 4) + "\nAs has been shown.[12][citation needed]", None),
    ("", "too few sentences"),
])
def test_c4_pages(page, reason):
    assert judged(rule("c4"), page) == reason


def test_c4_without_marks_is_what_fineweb_uses():
    page = "\n".join(["A headline without a mark"] * 5)
    assert judged(rule("c4"), page) == "too few sentences"
    assert judged(rule("c4", marks=""), page) is None


def test_c4_in_chinese():
    page = "\n".join(["今天天气很好，我们去公园散步。"] * 5)
    assert judged(rule("c4"), page) == "too few sentences"
    assert judged(rule("c4", languages=("zh",), marks="。！？”’」』…", min_line_words=1), page) is None
    line = "今天天气很好。我们去公园。他说：好！你呢？走吧。"
    assert judged(rule("c4", languages=("zh",), marks="。！？", min_line_words=1), line) is None


def test_other_line_rules_are_other_columns():
    assert not set(C4Page().columns) & set(C4Page(LineRules(marks="")).columns)


def test_c4_lines_are_a_text_of_their_own():
    text = f"Home | About\n  {LINE}  \nIt was so.[3]\nPlease enable JavaScript now.\nNo mark\nOk.\n\n{LINE}\n"
    assert c4_lines(text) == f"{LINE}\nIt was so.\n{LINE}\n"
    assert c4_lines(c4_lines(text)) == c4_lines(text)
    assert c4_lines("nothing\n") == "" and c4_lines("") == ""
    assert c4_lines("one two three\nPlease read\n", LineRules(marks="", min_words=3)) == "one two three\n"


def test_c4_judges_the_same_page_before_and_after_its_line_rules():
    text = f"Home\n{PAGE}\nvar x\nLorem ipsum dolor sit."
    assert judged(rule("c4"), text) == judged(rule("c4"), c4_lines(text)) == "lorem ipsum"


GOOD = "\n".join(f"Paragraph number {number} says something of some length that nobody has said before." for number in range(10))


@pytest.mark.parametrize(("text", "reason"), [
    (GOOD, None),
    (GOOD.replace(".", ""), "too few lines end a sentence"),
    (GOOD + "".join(f"\nitem {number}" for number in range(30)), "too many short lines"),
    (GOOD + "\n" + GOOD[:80], "characters in repeated lines"),
    ("\n".join(f"Donaudampfschifffahrtsgesellschaft{number} ja." for number in range(10)), "too many newlines"),
    ("   \n\n", None),
])
def test_fineweb(text, reason):
    assert judged(rule("fineweb"), text) == reason


def test_fineweb_knows_the_marks_of_other_scripts():
    for mark in ".!?。！？।؟…":
        figures, = columns(FineWeb(), Document(f"a line{mark}\nanother"))
        assert figures["ended_lines"] == (0 if mark == "…" else 0.5), mark


def test_fineweb_short_lines_are_short_in_chinese_earlier():
    text = "\n".join(f"第{number}天早上我们去公园散步看花。" for number in range(10))
    assert judged(rule("fineweb"), text) == "too many short lines"
    assert judged(rule("fineweb", languages=("zh",), short_line=10), text) is None
