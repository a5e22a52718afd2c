"""Pairs: what is taken from Python and from plain text, and that it depends on the text alone."""

import ast
import hashlib
import textwrap
from pathlib import Path

import pyarrow as pa
import pytest
from stdlib_world import identifier, stdlib, write_documents

from raylm.errors import UserError
from raylm.posttrain.pairs import continuations, functions
from raylm.posttrain.pairs.collect import collect, distinct, is_sampled, of_split, within
from raylm.posttrain.pairs.config import PairsConfig
from raylm.posttrain.pairs.functions import extract, summary_line
from raylm.posttrain.pairs.kinds import KINDS
from raylm.posttrain.pairs.table import read_index, read_pairs, write_pairs
from raylm.posttrain.rlhf.config import RlhfConfig
from raylm.progress import Meter
from raylm.storage import Folder
from raylm.tokenizer.split import is_held_out

TRICKY = '''
import functools

@functools.lru_cache(maxsize=None)
@other.decorator("def not_me(self): pass")
def decorated(a, *, key=lambda x: (x, "->", 1), **rest):
    """Return the value of a decorated call."""
    return a   # a comment

async def fetch(url: str, timeout: float = 1.5) -> dict[str, "bytes"]:
    \'\'\'  Fetch a page   over the network.

    More words here.
    \'\'\'
    async with open(url) as page:
        return await page.read()

class Outer(Base):
    """Not a function."""
    class Inner:
        def method(self, first, /, second=(1,
                                           2)) -> None:
            """Do something with both of them."""

            def nested(x):
                """Nested functions count as well."""
                return x

            return nested(first)

    if True:
        def conditional(self):
            """Defined only where the condition holds."""
            pass

def silent(x):
    return "no docstring"

def short():
    """Too short."""

def wrapped():
    """This summary goes on over the end of
    its line."""

def raw(x):
    r"""A backslash \\d cannot be quoted plainly."""

def quoted(x):
    """Ends in a "quotation\\""""
'''


def test_functions_are_found_wherever_they_stand_with_one_spelling():
    found = {f.name: f for f in extract(TRICKY)}
    assert list(found) == ["decorated", "fetch", "Outer.Inner.method", "Outer.Inner.method.<locals>.nested",
                           "Outer.conditional"]
    assert found["decorated"].signature == "def decorated(a, *, key=lambda x: (x, '->', 1), **rest):"
    assert found["decorated"].body == "return a"
    assert found["fetch"].signature == "async def fetch(url: str, timeout: float=1.5) -> dict[str, 'bytes']:"
    assert found["fetch"].docstring == "Fetch a page over the network."
    assert found["Outer.Inner.method"].signature == "def method(self, first, /, second=(1, 2)) -> None:"
    assert found["Outer.conditional"].body == ""


def test_every_answer_is_python_that_parses_to_the_same_function():
    for function in [f for _, text in stdlib(40) for f in extract(text)] + extract(TRICKY):
        node = ast.parse(function.code).body[0]
        assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        assert node.name == function.name.rsplit(".", 1)[-1] and ast.get_docstring(node) == function.docstring
        assert "\n" not in function.signature + function.docstring


def test_long_bodies_are_left_out_and_the_function_still_parses():
    text = 'def f(x):\n    """Compute a very long thing."""\n' + "".join(f"    x = x + {i}\n" for i in range(30))
    (function,) = extract(text)
    assert function.body == "" and ast.parse(function.code)


UNPARSABLE = {
    "syntax": "def broken(:\n    'Say something useful here.'", "cut off": "class A:\n def f(self):\n  return (",
    "null byte": "\x00def f():\n  pass", "prose": "not python at all, but def is here\ndef ", "empty": "",
    "brackets": "def f(): " + "(" * 500, "unary": "x = " + "-" * 100_000 + "1\ndef f(): pass",
    "deep sum": "def f():\n  'Return the sum of the parts.'\n  return " + "+".join(["a"] * 50_000),
}


@pytest.mark.parametrize("case", UNPARSABLE)
def test_text_that_cannot_be_parsed_gives_nothing_and_no_error(case):
    assert all(f.body == "" for f in extract(UNPARSABLE[case]))


def test_tabs_and_carriage_returns_give_the_same_pairs():
    plain = 'class A:\n    def f(self, x):\n        """Return twice the argument."""\n        return 2 * x\n'
    expected = extract(plain)
    assert expected and extract(plain.replace("    ", "\t")) == expected and extract(plain.replace("\n", "\r\n")) == expected


def test_a_huge_file_is_not_parsed():
    assert extract('def f():\n    """Return the sum of the parts."""\n' + "#" * functions.MAX_SOURCE) == []


@pytest.mark.parametrize(("docstring", "summary"), [
    ("Return the sum of two numbers.", "Return the sum of two numbers."),
    ("\n   Return  the\tsum \n\n   Details.", "Return the sum"),
    ("One sentence ends here.\nAnother follows.", "One sentence ends here."),
    ("A sentence that goes on\nover the line.", None), ("Short.", None), (":param x: the value of it", None),
    (">>> f(1, 2, 3) is four", None), ("foo(a, b) -> the sum of both", None), ('He said """no""" to that', None), ("", None),
])
def test_only_whole_summaries_in_prose_count(docstring, summary):
    assert summary_line(docstring) == summary


def test_wrong_code_keeps_the_docstring_that_was_asked_for():
    first, second = extract(textwrap.dedent('''
        def one(a):
            """Return the first of them."""
            return a[0]
        def two(b):
            """Return the second of them."""
            return b[1]
    '''))
    wrong_summary, wrong_code = first.swapped(second)
    assert wrong_summary == second.docstring
    assert wrong_code == 'def two(b):\n    """Return the first of them."""\n    return b[1]'


def test_paragraphs_are_cut_at_a_sentence_end_near_the_middle():
    text = ("A heading\n\nThe first sentence is here. The second one follows it closely. A third ends\nthe paragraph well. \n\n"
            + "word " * 400)
    (found,) = continuations.extract(text)
    assert (found.name, found.opening) == ("1", "The first sentence is here. The second one follows it closely.")
    assert found.continuation == "A third ends the paragraph well."


def test_text_without_blanks_is_cut_too():
    (found,) = continuations.extract("春眠不觉晓处处闻啼鸟夜来风雨声花落知多少" * 5)
    assert found.opening + found.continuation == "春眠不觉晓处处闻啼鸟夜来风雨声花落知多少" * 5


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_says_what_ppo_asks_for_how_that_is_judged_and_what_a_person_may_ask(name):
    kind = KINDS[name]
    assert kind.asks in kind.directions
    assert PairsConfig(kind=name).kind == name
    assert RlhfConfig(rewards=kind.rewards).rewards == kind.rewards  # names that are registered
    prompts = [i.prompt for i in kind.pair(*kind.columns).instructions() if i.direction == kind.asks]
    assert kind.example.split()[:3] == prompts[0].split()[:3]


def test_equal_pairs_are_kept_once_and_the_one_to_train_on_stays():
    text = 'def f(x):\n    """Return the value of it."""\n    return x\n'
    ids = [identifier(f"{n}.py") for n in range(40)]
    held = [is_held_out(i, 0.5) for i in ids]
    assert any(held) and not all(held)
    kind = KINDS["functions"]
    documents = pa.table({"id": ids, "text": [text] * 40})
    backwards = pa.table({"id": ids[::-1], "text": [text] * 40})
    once = distinct(collect(documents, kind, 0.5, 1.0), kind)
    assert once.num_rows == 1 and once.equals(distinct(collect(backwards, kind, 0.5, 1.0), kind))
    assert of_split(once, "heldout", kind).num_rows == 0
    assert once["id"].to_pylist() == [min(i for i, h in zip(ids, held, strict=True) if not h)]


def test_a_limit_keeps_the_lowest_keys_over_all_partitions():
    assert within({2: 5, 0: 3, 1: 4}, 6) == {0: 3, 1: 3}
    assert within({0: 3}, 10) == {0: 3}


def test_sampling_a_share_takes_whole_files():
    ids = [f"{n:016x}-{m:016x}" for n in range(2000) for m in (1, 2)]
    taken = [is_sampled(i, 0.3) for i in ids]
    assert taken[0::2] == taken[1::2] and 0.25 < sum(taken) / len(taken) < 0.35


def digest(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(str(f.relative_to(folder)).encode() + f.read_bytes() for f in files)).hexdigest()


def test_pairs_are_the_same_bytes_however_the_documents_are_laid_out(ray_cluster, tmp_path):
    documents = stdlib(30)
    results = []
    for files, order in ((1, documents), (5, documents[::-1])):
        source = write_documents(tmp_path / f"documents-{files}", order, files)
        output = Folder.at(tmp_path / f"pairs-{files}")
        # Row groups and so the sampled share differ between layouts: read everything.
        write_pairs(source, output, PairsConfig(limit=100, heldout_limit=20, enough=10), 0.25, Meter())
        results.append(digest(Path(output.uri)))
    assert results[0] == results[1]
    assert read_index(output)["splits"]["train"]["pairs"] == 100
    pairs = read_pairs(output, "train", 60)
    assert len(pairs) == 60 and all(ast.parse(pair.code) for pair in pairs)
    assert len(read_pairs(output, "heldout", 1000)) == 20


def test_text_without_python_falls_back_to_continuations_and_no_pairs_are_one_line(ray_cluster, tmp_path):
    sentences = [f"Sentence number {n} of this text is about nothing. It is followed by the number {n + 1}." for n in range(99)]
    texts = [(f"{n}.txt", "\n\n".join(sentences[n * 3:n * 3 + 3])) for n in range(33)]
    source = write_documents(tmp_path / "documents", texts, 2)
    index = write_pairs(source, Folder.at(tmp_path / "pairs"), PairsConfig(), 0.25, Meter())
    assert index["kind"] == "continuations" and index["splits"]["train"]["pairs"] + index["splits"]["heldout"]["pairs"] == 99
    with pytest.raises(UserError, match="too few functions"):
        write_pairs(source, Folder.at(tmp_path / "other"), PairsConfig(kind="functions"), 0.25, Meter())
