"""Gopher's rules, against the paper's table and against plain loops over all n-grams."""

import random
from collections import Counter

import pytest
from asking import columns, judged, rule

from raylm.corpus.document import Document
from raylm.corpus.measures.gopher_quality import GopherQuality
from raylm.corpus.measures.gopher_repetition import GopherRepetition
from raylm.corpus.measures.words import Words

PROSE = ("The miller said that he would have to be at the market with the sacks of flour and that the carter should come to fetch "
         "them early, for the road along the river is long and bad after rain. His daughter counted the coins twice, wrote the sum "
         "on a slate, and went out to look for the brown horse, which had jumped the fence again.")
CHINESE = ("春天的早晨，阳光照进院子里，老人坐在门口慢慢地喝茶。邻居家的孩子背着书包跑过小桥，一边跑一边唱歌。河里的水很清，"
           "几只鸭子游来游去。昨天下过一场大雨，田里的庄稼长得更好了，农民们都很高兴，商量着什么时候去城里卖菜。")


def test_running_text_is_kept():
    assert judged(rule("gopher_quality"), PROSE) is None
    assert judged(rule("gopher_repetition"), PROSE) is None


@pytest.mark.parametrize(("text", "reason"), [
    ("too short", "too few words"),
    (". , ; ! " * 60, "too few words"),
    (PROSE * 3000, "too many words"),
    ("I am a b c d e f g of to " * 9, "words too short"),
    ("extraordinary considerations to the of notwithstanding incomprehensibility " * 9 + "internationalization " * 30,
     "words too long"),
    (PROSE + " #tag" * 8, "too many hashes"),
    (PROSE + " and ... so" * 12, "too many ellipses"),
    (PROSE + " and … so" * 12, "too many ellipses"),
    ("\n".join("- " + word + " word" for word in PROSE.split()), "too many bullets"),
    ("\n".join("• " + word + " words of length" for word in PROSE.split()), "too many bullets"),
    ("\n".join(["A line of some ten words that ends like this ..."] * 2 + ["And a line of the same kind that has an end."] * 4),
     "too many lines end in an ellipsis"),
    (PROSE + " 1234" * 20, "too few words with letters"),
    ("Shoes sandals boots slippers loafers sneakers clogs pumps " * 8, "too few stop words"),
    ("Shoes sandals boots slippers loafers sneakers clogs the " * 8, "too few stop words"),
])
def test_quality_removes_for_its_reason(text, reason):
    assert judged(rule("gopher_quality"), text) == reason


def test_two_different_stop_words_are_enough():
    assert judged(rule("gopher_quality"), "Shoes sandals boots slippers loafers sneakers with the " * 8) is None


def test_chinese_words_are_counted_by_a_segmenter_and_have_bounds_of_their_own():
    words, = columns(Words(), Document(CHINESE))
    assert 45 < words["words"] < 70 and 1.3 < words["word_length"] < 2.2
    assert judged(rule("gopher_quality"), CHINESE) == "words too short"
    chinese = rule("gopher_quality", languages=("zh",), min_word_length=1,
                   stop_words=("的", "了", "在", "是", "和"), min_words_with_letters=0.7)
    assert judged(chinese, CHINESE) is None
    assert judged(chinese, CHINESE[:40]) == "too few words"
    assert rule("gopher_quality").languages == ("en",)


def test_quality_counts_what_it_says():
    text = "# one two ... three…\n- four\n\n• five...\n, 6 7th"
    words, = columns(Words(), Document(text))
    # Of the twelve words #, ..., - and the comma are none; the bullet is one, as CCNet's list of punctuation lacks it.
    assert words == {"words": 8, "word_length": (3 + 3 + 6 + 4 + 1 + 7 + 1 + 3) / 8, "words_with_letters": 6 / 12}
    quality, = columns(GopherQuality(), Document(text))
    assert quality["hashes"] == 1 / 12 and quality["ellipses"] == 3 / 12
    assert quality["bullet_lines"] == 2 / 5 and quality["ellipsis_lines"] == 2 / 5


@pytest.mark.parametrize(("text", "reason"), [
    ("\n\n".join(["Same paragraph.", "Same paragraph.", "Other one.", "Third."] * 2), "repeated paragraphs"),
    (f"{PROSE}\n\n{PROSE}\n\n" + "\n\n".join(f"Short {number}." for number in range(9)), "characters in repeated paragraphs"),
    ("I am your father.\n" * 4, "repeated lines"),
    (f"{PROSE}\n{PROSE}\n" + "\n".join(f"Line {number}." for number in range(9)), "characters in repeated lines"),
    (" ".join(f"red shoes {number}" for number in range(40)), "one 2-gram too frequent"),
    (" ".join(f"some red shoes {number * 1234567}" for number in range(40)), "one 2-gram too frequent"),
    (" ".join(f"a red b {'x' * 20}{number}" for number in range(40)), "one 3-gram too frequent"),
    (" ".join(f"a red b c {'x' * 30}{number}" for number in range(40)), "one 4-gram too frequent"),
    (f"{PROSE} But then, as nobody thought, {PROSE[:120]}", "repeated 5-grams"),
])
def test_repetition_removes_for_its_reason(text, reason):
    assert judged(rule("gopher_repetition"), text) == reason


def test_chinese_that_repeats_itself_is_found():
    assert judged(rule("gopher_repetition"), CHINESE) is None
    assert judged(rule("gopher_repetition"), CHINESE + "最后，" + CHINESE[:60]) == "repeated 5-grams"
    assert judged(rule("gopher_repetition"), "好消息！" * 30) == "one 2-gram too frequent"


def test_what_is_there_once_repeats_nothing_where_the_recipe_says_so():
    poem = "床前明月光，疑是地上霜。举头望明月，低头思故乡。"
    assert judged(rule("gopher_repetition"), poem) == "one 2-gram too frequent"
    assert judged(rule("gopher_repetition", min_times=2), poem) is None
    assert judged(rule("gopher_repetition", min_times=2), "red shoes " * 10) == "one 2-gram too frequent"


def plain(text):
    """The shares by loops over all n-grams."""
    words, found = text.split(), {}
    for n in (2, 3, 4):
        grams = [" ".join(words[at:at + n]) for at in range(len(words) - n + 1)]
        if grams:
            gram, count = Counter(grams).most_common(1)[0]
            found[f"top_{n}_gram"] = len(gram) * count / len(text)
        else:
            found[f"top_{n}_gram"] = None
    for n in range(5, 11):
        seen, repeated, at = set(), 0, 0
        while at + n <= len(words):
            gram = tuple(words[at:at + n])
            if gram in seen:
                repeated += sum(map(len, gram))
                at += n
            else:
                seen.add(gram)
                at += 1
        found[f"repeated_{n}_grams"] = repeated / len(text) if text else None
    return found


def test_ngrams_are_those_of_a_plain_loop():
    chance = random.Random(0)
    texts = [" ".join(chance.choice(["a", "bb", "ccc", "dddd", "eeeee", "ff"][:kinds]) for _ in range(length))
             for kinds in (1, 2, 3, 6) for length in (0, 1, 2, 3, 4, 5, 9, 10, 11, 40, 200)]
    texts += [" ".join([PROSE] * 2), PROSE]
    measured = columns(GopherRepetition(), *map(Document, texts))
    for text, figures in zip(texts, measured, strict=True):
        expected = plain(text)
        if not text:
            expected = dict.fromkeys(expected)
        assert {name: figures[name] for name in expected} == pytest.approx(expected), text


def test_documents_are_measured_together_as_alone(monkeypatch):
    from raylm.corpus.measures import gopher_repetition

    chance = random.Random(1)
    documents = [Document(" ".join(chance.choice("abcde") for _ in range(chance.randrange(60)))) for _ in range(50)]
    together = GopherRepetition().measure(documents)
    monkeypatch.setattr(gopher_repetition, "_TOGETHER", 1)
    assert GopherRepetition().measure(documents) == together
