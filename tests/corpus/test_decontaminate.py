"""Documents with evaluation items in them are found, in Chinese as in English, and those that only come near are not."""

import gzip
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from spans_world import make_corpus, run_step

from raylm.corpus.dedup.decontaminate import MATCHES, cut_around, match_rows
from raylm.corpus.dedup.evaluation_sets import items
from raylm.corpus.dedup.ngrams import matches, pieces, searched, words
from raylm.corpus.markers import FOLDER
from raylm.corpus.parts import read_part
from raylm.corpus.steps.decontaminate import Decontaminate, EvaluationSet
from raylm.errors import UserError
from raylm.storage import Folder

QUESTION = "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. How many clips is it?"
CHINESE = "小明在四月份向四十八位朋友出售了发夹，然后在五月份出售的发夹数量是四月份的一半。"
SHORT = "Which planet is the largest in our solar system?"


def found(texts, *evaluation, n=13, least=8, unspaced=1.5, most_items=10):
    grams, short = searched(((0, item, text) for item, text in enumerate(evaluation)), n, least, unspaced, most_items, 10_000)
    result = matches(texts, grams)
    return sorted(set(zip(result.document.tolist(), grams.item[result.gram].tolist(), strict=True))), short.tolist()


def test_thirteen_words_in_a_row_are_found_and_twelve_are_not():
    tokens = QUESTION.split()
    twelve, thirteen = " ".join(tokens[3:15]), " ".join(tokens[3:16])
    texts = [f"Before. {twelve} and so on", f"Before. {thirteen} and so on", QUESTION.upper().replace(",", " --"), "x"]
    assert found(texts, QUESTION) == ([(1, 0), (2, 0)], [])


def test_chinese_is_found_from_twenty_characters_in_a_row():
    characters = "".join(words(CHINESE))
    assert len(characters) > 25
    texts = [f"他说：{characters[2:21]}吗", f"他说：{characters[2:22]}吗", f"前言。{CHINESE}后记。"]
    assert found(texts, CHINESE) == ([(1, 0), (2, 0)], [])


@pytest.mark.parametrize("before", ["a" * 2_000_000, "天" * 1_200_000, "a" * 999_999, "a_" * 700_000])
def test_the_place_is_right_behind_a_run_of_letters_longer_than_a_piece(before):
    text = f"{before} {QUESTION} and more text behind it"
    grams, _ = searched([(0, 0, QUESTION)], 13, 8, 1.5, 10, 10_000)
    table = pa.table({"id": ["1"], "source": ["s"], "path": ["p"], "row": [0], "text": [text]})
    named = pa.table({"set": ["math"], "file": ["f"], "row": [0]})
    rows, cuts = match_rows(table, matches([text], grams), grams, named)
    assert rows["text"].to_pylist() == [QUESTION[:-1]] and rows["begin"].to_pylist() == [len(before) + 1]
    assert cuts["ends"].to_pylist() == [[len(before) + len(QUESTION)]]


def test_short_items_are_searched_whole_and_tiny_ones_not_at_all():
    texts = ["I asked: which planet is the largest in our solar system? Nobody knew.",
             "which planet is the largest in our solar sea"]
    assert found(texts, SHORT, "The answer is four.") == ([(0, 0)], [1])


def test_what_many_items_share_is_their_template():
    template = "Answer the following question with one of the letters A, B, C or D and nothing else:"
    asked = [f"{template} {index}, what is it and why is it so, if it is so, do you think, dear {index}" for index in range(12)]
    assert found([f"{template} now", asked[3]], *asked) == ([(1, 3)], [])
    assert (0, 0) in found([f"{template} now"], *asked, most_items=12)[0]


def test_matches_do_not_depend_on_how_texts_are_cut_for_the_search():
    filler = " ".join(f"w{number}" for number in range(150_000))
    long = f"{filler} {QUESTION} {filler} {SHORT} {filler}"
    assert found(["nothing", long, "x" * 2_500_000, QUESTION], QUESTION, SHORT)[0] == [(1, 0), (1, 1), (3, 0)]
    assert "".join(pieces(long)) == long and max(map(len, pieces(long))) < 1_001_001


@pytest.mark.parametrize("seed", range(20))
def test_matches_are_those_of_comparing_words(seed):
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(list("abc"), rng.integers(0, 60))) for _ in range(20)]
    evaluation = [" ".join(rng.choice(list("abc"), rng.integers(1, 14))) for _ in range(6)]
    expected = []
    for document, text in enumerate(texts):
        have = text.split()
        for one in evaluation:
            wanted = one.split()
            size = min(6, len(wanted))
            grams = [wanted[at : at + size] for at in range(len(wanted) - size + 1)] if len(wanted) >= 4 else []
            if any(have[at : at + size] in grams for at in range(len(have) - size + 1)):
                expected.append(document)
    assert sorted({document for document, _ in found(texts, *evaluation, n=6, least=4)[0]}) == sorted(set(expected))


def test_cutting_leaves_what_is_far_from_the_match_and_no_half_word():
    text = "alpha " * 100 + "THE MATCH" + " omega" * 100
    assert cut_around(text, [600], [609], 50, 10) == "alpha " * 91 + " omega" * 91
    assert cut_around(text, [0, 300, 609], [5, 305, 700], 10, 2) is None
    assert cut_around("short", [0], [5], 200, 10) == ""


def test_every_kind_of_file_is_read(tmp_path):
    rows = [{"question": QUESTION, "choices": ["one", {"deep": "two"}], "gold": 1}, {"question": SHORT, "choices": [], "gold": 0}]
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    (tmp_path / "b.json").write_text(json.dumps(rows))
    (tmp_path / "c.csv").write_text(f'question,gold\n"{QUESTION}",1\n"{SHORT}",0\n')
    (tmp_path / "d.txt").write_text(f"{QUESTION}\n\n{SHORT}\n")
    pq.write_table(pa.Table.from_pylist([{"question": row["question"]} for row in rows]), tmp_path / "e.parquet")
    (tmp_path / "ignored.bin").write_bytes(b"\0")
    for name in ("a.jsonl.gz", "b.json", "c.csv", "e.parquet"):
        assert [texts for _, _, texts in items(str(tmp_path / name), ("question",))] == [[QUESTION], [SHORT]]
    assert [text.strip() for _, _, texts in items(str(tmp_path / "d.txt"), ()) for text in texts] == [QUESTION, SHORT]
    assert next(items(str(tmp_path / "b.json"), ()))[2] == [QUESTION, "one", "two"]
    assert len(list(items(str(tmp_path), ()))) == 10


@pytest.mark.parametrize(("name", "content", "columns"), [
    ("cut.jsonl", b'{"a": "b"}\n{"a":', ()), ("cut.jsonl.gz", gzip.compress(b'{"a": "b"}' * 99)[:-9], ()),
    ("latin.txt", b"stra\xdfe", ()), ("no.parquet", b"PAR1", ()),
    ("column.jsonl", b'{"a": "b"}', ("question",)), ("kind.exe", b"MZ", ()), ("", b"", ()),
])
def test_a_set_that_cannot_be_read_is_one_clear_error(name, content, columns, tmp_path):
    (tmp_path / name).write_bytes(content) if name else None
    with pytest.raises(UserError, match=r"evaluation|another kind") as error:
        list(items(str(tmp_path / name), columns))
    assert "\n" not in str(error.value)


def test_too_many_n_grams_are_an_error():
    with pytest.raises(OverflowError, match="20 n-grams"):
        searched([(0, 0, " ".join(map(str, range(100))))], 13, 8, 1.5, 10, 20)


def test_contaminated_documents_go_or_are_cut_and_every_match_is_listed(tmp_path, ray_cluster):
    (tmp_path / "math.jsonl").write_text("\n".join(json.dumps({"question": one}) for one in (QUESTION, CHINESE, "tiny")))
    (tmp_path / "science.jsonl").write_text(json.dumps({"query": SHORT}))
    filler = "A sentence about nothing in particular, number {}. " * 20
    documents = {"clean": ("first", filler.format(*range(20))), "math": ("first", filler.format(*range(20)) + QUESTION),
                 "zh": ("second", "这是前面的话。" + CHINESE + "这是后面的话。"), "both": ("second", f"{SHORT} {QUESTION}")}
    sets = (EvaluationSet(name="math", paths=str(tmp_path / "math.jsonl")),
            EvaluationSet(name="science", paths=(str(tmp_path / "science.jsonl"),)))
    left, figures = run_step(Decontaminate(sets=sets), make_corpus(tmp_path / "3", documents, 3), tmp_path / "3")
    assert left == {"math": None, "zh": None, "both": None}
    assert figures["sets"] == [{"items": 3, "set": "math", "too_short": 1}, {"items": 1, "set": "science", "too_short": 0}]
    assert figures["matches"] == 4 and figures["documents_removed"] == 3
    assert {(row["id"], row["set"], row["item"]) for row in figures["listed"]} == {
        ("math", "math", 0), ("zh", "math", 1), ("both", "math", 0), ("both", "science", 0)}
    folder = Folder.at(tmp_path / "3" / "out").child(FOLDER, figures["publish"]["matches"])
    complete = [row for part in range(3) for row in read_part(folder, part, MATCHES).to_pylist()]
    assert complete == figures["listed"] and {row["text"] for row in complete if row["id"] == "zh"} == {CHINESE[:-1]}
    left, _ = run_step(Decontaminate(sets=sets, action="span"), make_corpus(tmp_path / "5", documents, 5), tmp_path / "5")
    assert left["both"] is None and left["zh"] is None
    cut = len(documents["math"][1]) - len(left["math"])
    assert documents["math"][1].startswith(left["math"]) and 0 <= cut - len(QUESTION) - 200 < 20
