"""Languages are told by a vote of identifiers, for documents and lines; what has no language has none; no text breaks it."""

import gzip
import json
import random
import sys

import numpy as np
import pytest
from pydantic import ValidationError

from raylm.corpus.config import CorpusConfig
from raylm.corpus.document import Document
from raylm.corpus.language import FAST, IDENTIFIERS, LANGUAGES, TRIED, VOTE, Language, identify, language_share, lingua
from raylm.corpus.language.base import Identifier
from raylm.corpus.language.codes import position
from raylm.corpus.language.identify import _voices
from raylm.corpus.language.vote import combine
from raylm.corpus.read.identified import Identified
from raylm.errors import UserError

SENTENCES = {
    "en": "The committee met again on Thursday to discuss the budget for next year.",
    "zh": "委员会周四再次开会讨论明年的预算。",
    "de": "Der Ausschuss hat am Donnerstag erneut über den Haushalt des nächsten Jahres beraten.",
    "ja": "委員会は木曜日に来年の予算について再び話し合った。",
    "th": "คณะกรรมการประชุมกันอีกครั้งเมื่อวันพฤหัสบดี",
    "ru": "Комитет снова собрался в четверг, чтобы обсудить бюджет на следующий год.",
    "uk": "Комітет знову зібрався в четвер, щоб обговорити бюджет на наступний рік.",
    "ms": "Kerajaan negeri mahu syarikat itu membayar wang kerana kereta polis rosak.",
    "id": "Pemerintah ingin perusahaan itu membayar uang karena mobil polisi rusak.",
    "nb": "Jeg vet ikke hvordan hun kom seg fra byen til øya den uken.",
    "nn": "Eg veit ikkje korleis ho kom seg frå byen til øya den veka.",
    "hr": "Tijekom tjedna vlada je u siječnju primila tisuću izvješća o suradnji.",
    "sr": "Tokom nedelje vlada je u januaru primila hiljadu izveštaja o saradnji, gde je reč o celom svetu.",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_is_in_its_language(language):
    assert identify([SENTENCES[language]])[0] == [language]


@pytest.mark.parametrize("text", [
    "", " \n", "12345 67 89", "。。。", "\U0001F600\U0001F600", "{}[]();", "\x00\ud800", "3.14159 | 2.71828 | 1.41421",
])
def test_what_has_no_language_has_none(text):
    for members in (VOTE, FAST):
        assert identify([text], members) == ([""], [0.0])


def test_a_text_is_judged_alone_and_the_same_every_time():
    texts = list(SENTENCES.values())
    languages, scores = identify(texts)
    assert identify(texts) == (languages, scores)
    alone = [identify([text]) for text in reversed(texts)]
    assert [(language, score) for [language], [score] in reversed(alone)] == list(zip(languages, scores, strict=True))
    assert all(0 <= score <= 1 for score in scores)


def test_control_characters_and_surrogates_do_not_hide_the_language():
    assert identify([f"\x92{SENTENCES['de']}\ud800\x00\uffff"])[0] == ["de"]


def test_no_text_breaks_it():
    draw = random.Random(3)
    texts = ["".join(chr(draw.randrange(0x110000)) for _ in range(draw.randrange(200))) for _ in range(200)]
    texts += ["a" * 1_000_000, "字" * 100_000]
    for members in (VOTE, FAST):
        languages, scores = identify(texts, members)
        assert set(languages) <= {*LANGUAGES, ""} and all(0 <= score <= 1 for score in scores)


def test_a_document_in_two_languages_is_in_the_one_that_most_of_it_is_in():
    chinese, english = SENTENCES["zh"] * 10, (SENTENCES["en"] + " ") * 2
    languages, scores = identify([chinese + english, english + chinese, (chinese + "\n" + english + "\n") * 50])
    assert languages == ["zh"] * 3 and all(0.5 < score < 0.98 for score in scores)


def test_menus_around_a_long_document_do_not_matter():
    menu = "Home About Contact Login Register Search Help Terms Privacy\n" * 3
    assert identify([menu + SENTENCES["zh"] * 200 + menu])[0] == ["zh"]


def test_lines_in_another_language_lower_the_share():
    chinese, english = SENTENCES["zh"], SENTENCES["en"]
    assert language_share(f"{chinese}\n{chinese}\n", "zh") == 1
    share = language_share(f"{chinese}\n{english}\n", "zh")
    assert share == pytest.approx(len(chinese) / len(chinese + english))
    assert language_share("12\n34\n", "en") is None
    assert language_share(f"{chinese}\n" + "12, 34\n" * 100, "zh") == 1


def test_the_measure_has_a_value_per_document_and_column():
    documents = [Document(SENTENCES["en"]), Document("1 2 3"), Document("")]
    for measure in (Language(), Language(FAST)):
        values = measure.measure(documents)
        assert set(values) == set(measure.columns) and all(len(column) == 3 for column in values.values())
    assert Language().measure(documents)["language"] == ["en", "", ""]
    assert set(Language().columns) == {"language", "language_score", "language_lines"}
    assert not set(Language().columns) & set(Language(FAST).columns)


def test_the_vote_is_a_weighted_sum_and_silence_is_no_vote():
    class Sure(Identifier):
        name = "sure"

        def __init__(self, language, odds):
            self.language, self.odds = language, odds

        def evidence(self, text):
            evidence = np.zeros(len(LANGUAGES))
            evidence[position(self.language)] = self.odds
            return evidence

    strong, weak = Sure("fr", 5.0), Sure("it", 2.0)
    assert combine([(strong, strong.evidence("")), (weak, weak.evidence(""))])[0] == "fr"
    assert combine([(strong, None), (weak, weak.evidence(""))])[0] == "it"
    assert combine([(strong, None), (weak, None)]) == ("", 0.0)


def test_codes_are_iso_639_1_and_aliases_lead_to_them():
    assert len(TRIED) == 75 and all(len(code) == 2 for code in LANGUAGES) and len(set(LANGUAGES)) == len(LANGUAGES)
    assert LANGUAGES[position("iw")] == "he" and LANGUAGES[position("zh-Hant")] == "zh" and position("tlh") is None


def test_an_unknown_identifier_is_an_error_of_the_user():
    with pytest.raises(UserError, match="known are " + ", ".join(IDENTIFIERS)):
        identify(["x"], ("cld3",))


def test_a_recipe_names_the_identifiers_that_vote(monkeypatch):
    def config(language):
        return CorpusConfig.model_validate({"language": language, "sources": [{"name": "a", "kind": "licences"}]})

    documents = [Document(text) for text in SENTENCES.values()]
    asked = []
    monkeypatch.setitem(IDENTIFIERS, "langid", type("Mine", (IDENTIFIERS["langid"],), {
        "name": "langid", "evidence": lambda self, text: asked.append(text) or super(type(self), self).evidence(text)}))
    _voices.cache_clear()
    found = config(["cld2", "langid"]).measures()[0].measure(documents)
    assert set(found) == {"language", "language_score", "language_lines"} and len(asked) > len(documents) / 2
    assert found["language"] == identify(list(SENTENCES.values()), ("cld2", "langid"))[0]
    assert found["language"][:3] == ["en", "zh", "de"]
    _voices.cache_clear()
    whole = config(["cld2", "langid"])
    assert whole.identity_for("read") == config(("cld2", "langid")).identity_for("read") != config("vote").identity_for("read")
    assert CorpusConfig.model_validate(whole.model_dump(mode="json")) == whole
    for wrong in ("lingua", ["cld3"], [], ["markers"], ["cld2", "cld2"], 7, [["cld2"]], None):
        with pytest.raises(ValidationError, match="vote, fast, off, or a list of different ones of cld2, langid") as caught:
            config(wrong)
        assert caught.value.error_count() == 1


def test_an_identifier_whose_package_is_missing_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "lingua", None)
    lingua._model.cache_clear()
    with pytest.raises(UserError, match="identifier lingua: needs pip install lingua-language-detector"):
        Identified(("cld2", "lingua")).measure([Document("words")])


def test_the_vote_beats_each_of_its_voices_on_real_sentences(shared_data):
    with gzip.open(shared_data / "language" / "sentences.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    texts, right = [row["text"] for row in rows], [row["language"] for row in rows]

    def accuracy(members):
        return sum(map(str.__eq__, identify(texts, members)[0], right)) / len(right)

    vote = accuracy(VOTE)
    assert vote > 0.957 and vote > accuracy(FAST) and vote > accuracy(("langid",))
