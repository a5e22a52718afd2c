"""Cleaning changes form only, unless told to repair; whatever it is told, doing it twice changes nothing more."""

import itertools
import random

import pytest
from pydantic import ValidationError

from raylm.corpus.cleaning import C4Lines, CleanConfig, clean
from raylm.corpus.config import CorpusConfig

ALL = CleanConfig(mojibake=True, normalisation="nfkc", invisible=True, chinese="simplified")


@pytest.mark.parametrize(("broken", "right"), [
    ("schÃ¶n", "schön"),
    ("cafÃƒÂ©", "café"),
    ("â€œquotedâ€\x9d text", "“quoted” text"),
    ("ÐŸÑ€Ð¸Ð²ÐµÑ‚", "Привет"),
    ("æ˜¯ä¸€ä¸ª", "是一个"),
    ("\x93smart\x94", "“smart”"),
    ("L’Ã©cole coûte 100 â‚¬", "L’école coûte 100 €"),
])
def test_wrongly_decoded_text_is_decoded_right(broken, right):
    assert CleanConfig(mojibake=True).apply(broken) == right + "\n"


@pytest.mark.parametrize("text", [
    "naïve façade “curly” ﬁne ｆｕｌｌ &amp; Ã\n", "x² ≠ x2, 100 €\n", "São Paulo, Ærø, Łódź\n", "漢字と仮名\n", "Ελληνικά\n",
])
def test_what_is_right_is_left_alone(text):
    assert CleanConfig(mojibake=True).apply(text) == text


def test_code_is_never_repaired():
    code = "assert decode(b'\\xc3') == 'Ã©'  # 漢語 ﬁ ｘ\u200b\n"
    assert ALL.apply(code, "code") == code


def test_chinese_is_written_in_one_script_and_japanese_and_korean_are_left():
    text = "漢語轉換，頭髮發現。\n図書館の漢語轉換\n漢語 한국어\nplain\n"
    assert CleanConfig(chinese="simplified").apply(text) == "汉语转换，头发发现。\n図書館の漢語轉換\n漢語 한국어\nplain\n"
    assert CleanConfig(chinese="traditional").apply("汉语转换，头发发现。") == "漢語轉換，頭髮發現。\n"
    assert CleanConfig(chinese="traditional").apply("余于雲中見于謙。") == "余于雲中見于謙。\n"


def test_invisible_characters_go_and_joiners_stay():
    text = "co\xadop\u200beration \u202bمی\u200cخواهم\u202c 👩\u200d💻"
    assert CleanConfig(invisible=True).apply(text) == "cooperation می\u200cخواهم 👩\u200d💻\n"


def test_normal_forms_are_as_asked():
    assert CleanConfig(normalisation="nfkc").apply("ｆｕｌｌ ﬁ") == "full fi\n"
    assert CleanConfig(normalisation="none").apply("e\u0301") == "e\u0301\n"
    assert CleanConfig().apply("e\u0301") == "é\n"


def test_c4_lines_keeps_sentences_only():
    text = "Home | About\nThis is a whole sentence.\nPlease enable Javascript to go on."
    assert CleanConfig(c4_lines=True).apply(text) == "This is a whole sentence.\n"


def test_c4_lines_leave_scripts_without_spaces_and_other_sources_alone():
    config = CleanConfig.model_validate({"c4_lines": {"sources": ["web"]}})
    page = "Home | About\nThis is a whole sentence.\n"
    assert config.apply(page, source="web") == "This is a whole sentence.\n" and config.apply(page, source="books") == page
    for text in ("首页 登录\n今天天气很好，我们去公园散步。\nGitHub\n", "ホーム\n今日は天気がいいです\n", "หน้าแรก\nวันนี้อากาศดีมาก\n"):
        assert config.apply(text, source="web") == text
    sentences = "Это целое предложение.\nयह एक पूरा वाक्य है।\nهل هذا سؤال كامل؟\n"
    assert config.apply(f"Главная\n{sentences}首页\n这是一个。\n{page}", source="web") == sentences + "This is a whole sentence.\n"


def test_c4_lines_have_thresholds_and_know_their_sources():
    config = CleanConfig.model_validate({"c4_lines": {"marks": "", "min_words": 2, "max_word": 5}})
    assert config.apply("Home\nHome About\nHomes abouts it.\n") == "Home About\n"
    assert CleanConfig(c4_lines=False) == CleanConfig() and CleanConfig(c4_lines=True).c4_lines == C4Lines()
    assert CleanConfig.model_validate(config.model_dump(mode="json")) == config
    with pytest.raises(ValidationError, match=r"corpus.clean.c4_lines.sources: got 'wed', allowed: web"):
        CorpusConfig.model_validate({"sources": [{"name": "web", "kind": "licences"}], "clean": {"c4_lines": {"sources": ["wed"]}}})


def random_texts(count, seed=7):
    """Texts of code points that break things: all planes, controls, marks, mojibake, both scripts of Chinese, odd newlines."""
    draw = random.Random(seed)
    pools = ["ab .,?!\"'", "\r\n\t\x0b\x0c\x85\u2028\u2029 \xa0\u3000", "".join(map(chr, range(0x80, 0x100))),
             "\u0301\u0327\u1100\u1161\u11a8", "\x00\x1b\x7f\ud800\udfff\ufeff\uffff\xad\u200b\u202e", "漢語轉換头发後后乾干麵面",
             "âÃ€œ\x9d™ÂÐŸÑ", "\ufb01ｆ²Åﷺ´¨"]
    for _ in range(count):
        length = draw.randrange(60)
        common = draw.random() < 0.9
        yield "".join(draw.choice(draw.choice(pools)) if common else chr(draw.randrange(0x110000)) for _ in range(length))


@pytest.mark.parametrize("config", [CleanConfig(), ALL, *(
    CleanConfig(mojibake=mojibake, normalisation=form, chinese=script, c4_lines=lines)
    for mojibake, form, script, lines in itertools.product(
        (False, True), ("nfkc", "none"), ("simplified", "traditional"), (False, True))
)], ids=str)
def test_cleaning_twice_is_cleaning_once(config):
    for text, content in itertools.product(random_texts(300), ("prose", "code")):
        once = config.apply(text, content)
        assert config.apply(once, content) == once
        once.encode()  # no lone surrogates are left
        assert not once or once.endswith("\n")


def test_without_options_cleaning_is_clean():
    assert all(CleanConfig().apply(text, content) == clean(text) for text in random_texts(200) for content in ("prose", "code"))


def test_a_line_of_megabytes_is_repaired_in_pieces():
    assert CleanConfig(mojibake=True, chinese="simplified").apply("Ã©漢" * 30_000).count("é汉") == 30_000
