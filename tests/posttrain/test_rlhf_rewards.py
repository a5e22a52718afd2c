"""Program checks on what models really write, and how rewards are put together."""

import time

import pytest

from raylm.errors import UserError
from raylm.posttrain.rlhf.rewards import CHECKS, Answer, chosen_rewards, compose
from raylm.posttrain.rlhf.rewards.parses import extract_code


def rate(name: str, text: str, ended: bool = True) -> float:
    return CHECKS[name](Answer(text, ended))


@pytest.mark.parametrize("text", [
    "def f(x):\n    return x",
    'def f(x):\n    """Say what."""',
    "async def f():\n    await g()",
    "Here it is:\n```python\ndef f(x):\n    return x\n```\nEnjoy!",
    "```\ndef f(x): return x",
    "import re\n\ndef f(x):\n    return '\\d'",
])
def test_a_function_that_parses_is_rewarded(text):
    assert rate("parses", text) == 1.0


@pytest.mark.parametrize("text", [
    "", " \n", "x = 1", "def f(x):", "def f(x:\n    return x", "I would rather talk.", "def f():\n    pass", "def f(): ...",
    "class A:\n    x = 1", "\x00", "def f():\n    return '\x00'", "\ud800", "def f():\n\treturn 1\n        return 2",
    "```python\nx = (\n```",
])
def test_nothing_else_is(text):
    assert rate("parses", text) == 0.0


@pytest.mark.parametrize("text", [
    "(" * 100_000, "-" * 100_000 + "1", "[" * 90 + "]" * 90, "{0:" * 3000, "a = 1\n" * 20_000, "f(" * 150, "not " * 19_000,
    "\n".join(" " * i + "if 1:" for i in range(190)), "(lambda:" * 150, "'" * 19_999, "\\\n" * 9_999, "é" * 100_000,
])
def test_nasty_text_costs_little_and_raises_nothing(text):
    started = time.perf_counter()
    for name in CHECKS:
        rate(name, text)
    assert time.perf_counter() - started < 2.0


def test_code_without_a_fence_is_taken_whole():
    assert extract_code("def f(): return 1") == "def f(): return 1"


def test_an_answer_in_prose_should_end_after_a_sentence():
    assert rate("ends", "It rained.") == 1.0
    assert rate("ends", 'He said: "Go!"') == 1.0
    assert rate("ends", "下雨了。") == 1.0
    assert rate("ends", "It rained and") == 0.5
    assert rate("ends", "It rained.", ended=False) == 0.0
    assert rate("ends", "") == 0.0


def test_repetition_is_seen():
    assert rate("varied", "the cat " * 40) < 0.1
    assert rate("varied", "Pack my box with five dozen liquor jugs, said the fox.") == 1.0
    assert rate("varied", "no") == 0.0


def test_parts_are_weighed_into_a_total():
    answers = [Answer("def f(): return 1", True), Answer("nonsense (", True)]
    parts = compose({"model": 2.0, "parses": 1.0, "varied": 0.0}, answers, [0.5, -1.0])
    assert parts["total"] == [2.0, -2.0]
    assert parts["parses"] == [1.0, 0.0]
    assert set(parts) == {"model", "parses", "varied", "total"}


def test_rewards_follow_the_kind_of_prompts_and_unknown_ones_are_named():
    assert "parses" in chosen_rewards(None, "functions")
    assert "parses" not in chosen_rewards(None, "continuations")
    assert chosen_rewards({"ends": 1.0}, "functions") == {"ends": 1.0}
    with pytest.raises(UserError, match=r"unknown reward 'bleu'.*model, ends, parses, varied"):
        chosen_rewards({"bleu": 1.0}, "functions")
    with pytest.raises(UserError, match="must not be 0"):
        chosen_rewards({"model": 0.0}, "functions")
