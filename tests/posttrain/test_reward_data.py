"""The reward model's loss, figures and preferences."""

import itertools
import math

import numpy as np
import pytest
import torch
from stdlib_world import identifier, stdlib

from raylm.pipeline.report.panels import panel_html
from raylm.posttrain.pairs.functions import Function, extract
from raylm.posttrain.reward.build import accuracies
from raylm.posttrain.reward.draw import Preference, draw, longer_wins, overlap_wins
from raylm.posttrain.reward.loss import pairwise_loss, wilson, wins
from raylm.posttrain.reward.panels import panels


def test_the_pairwise_loss_is_the_closed_form_with_its_gradient():
    chosen = torch.tensor([0.3, -1.0, 50.0, -200.0], requires_grad=True)
    rejected = torch.tensor([0.1, 2.0, -50.0, 200.0], requires_grad=True)
    loss = pairwise_loss(chosen, rejected)
    margins = [0.2, -3.0, 100.0, -400.0]
    expected = sum(max(-m, 0.0) + math.log1p(math.exp(-abs(m))) for m in margins)
    assert loss.item() == pytest.approx(expected, rel=1e-6)
    loss.backward()
    slopes = [-1 / (1 + math.exp(min(m, 300))) for m in margins]
    assert chosen.grad.tolist() == pytest.approx(slopes, abs=1e-6)
    assert rejected.grad.tolist() == pytest.approx([-s for s in slopes], abs=1e-6)


def test_equal_scores_lose_ln_2_and_count_as_half_a_win():
    same = torch.zeros(4)
    assert pairwise_loss(same, same).item() == pytest.approx(4 * math.log(2))
    assert wins(torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 1.0])).tolist() == [1.0, 0.5, 0.0]


def test_wilson_interval_agrees_with_published_values():
    # Newcombe 1998, Statistics in Medicine 17, table I, method 3: 81 of 263, and 0 of 20.
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0.0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(0.5, 0) == (0.0, 1.0)


@pytest.fixture(scope="module")
def pairs():
    found = {}
    for path, text in stdlib(30):
        for function in extract(text):
            found.setdefault(function.identity, (identifier(path), function))
    return [i for i, _ in found.values()], [f for _, f in found.values()]


def test_wrong_answers_are_another_functions_and_near_in_length_or_file(pairs):
    ids, functions = pairs
    preferences = draw(ids, functions, near=0.5, seed=0)
    assert len(preferences) == 2 * len(functions)
    docstrings = {f.docstring for f in functions}
    for preference in preferences:
        assert preference.chosen != preference.rejected
        if preference.direction == "describe":
            assert preference.rejected in docstrings
    assert 0.35 < np.mean([p.same_file for p in preferences]) < 0.65
    others = [p for p in preferences if p.direction == "describe" and not p.same_file]
    gaps = [abs(len(p.chosen) - len(p.rejected)) for p in others]
    lengths = [len(f.docstring) for f in functions]
    typical = np.mean([abs(a - b) for a, b in itertools.combinations(lengths[:200], 2)])
    assert np.mean(gaps) < typical / 3


def test_preferences_do_not_depend_on_the_order_of_the_pairs(pairs):
    ids, functions = pairs
    reverse = draw(ids[::-1], functions[::-1], near=0.0, seed=0)
    assert reverse == draw(ids, functions, near=0.0, seed=0)
    assert reverse != draw(ids, functions, near=0.0, seed=1)


def test_a_pair_without_another_answer_has_no_preference():
    one = Function("f", "def f(x):", "Return the value of it.", "return x")
    same = Function("g", "def g(x):", "Return the value of it.", "return x")
    assert draw(["a" * 33], [one], 1.0, 0) == []
    assert [p.direction for p in draw(["a" * 33, "a" * 33], [one, same], 1.0, 0)] == ["implement", "implement"]


def test_baselines_need_no_model():
    def preference(prompt: str, chosen: str, rejected: str) -> Preference:
        return Preference("", 0, "", prompt, chosen, rejected, False)
    assert longer_wins(preference("", "long one", "short")) == 1.0
    assert longer_wins(preference("", "same", "size")) == 0.5
    asked = "Write the docstring's first line of this function:\ndef readLineCount(self, file_name):"
    assert overlap_wins(preference(asked, "Count the lines.", "Write a function.")) == 1.0
    assert overlap_wins(preference(asked, "Nothing shared here.", "The file is read.")) == 0.0
    code = 'def {}(x):\n    """Return the line count."""'
    asked = "Write a Python function: Return the line count."
    assert overlap_wins(preference(asked, code.format("count"), code.format("f"))) == 1.0


def test_accuracy_rows_add_up_and_stand_beside_the_baselines():
    counts = {"describe": {"preferences": 60.0, "longer_wins": 30.0, "overlap_wins": 45.0},
              "implement": {"preferences": 40.0, "longer_wins": 10.0, "overlap_wins": 30.0}}
    evaluation = {"accuracy": 0.8, "scored": 50, "accuracy_describe": 0.9, "scored_describe": 30, "accuracy_implement": 0.65,
                  "scored_implement": 20}
    everything, describe, implement = accuracies(counts, evaluation)
    assert (everything["direction"], everything["longer_answer"], everything["word_overlap"]) == ("all", 0.4, 0.75)
    assert everything["low"] < 0.8 < everything["high"] and describe["scored"] == 30 and implement["accuracy"] == 0.65


def test_a_direction_of_which_nothing_was_scored_has_no_accuracy():
    counts = {"describe": {"preferences": 60.0, "longer_wins": 30.0, "overlap_wins": 45.0},
              "implement": {"preferences": 0.0, "longer_wins": 0.0, "overlap_wins": 0.0}}
    evaluation = {"accuracy": 0.8, "scored": 50.0, "accuracy_describe": 0.8, "scored_describe": 50.0,
                  "accuracy_implement": None, "scored_implement": 0.0}
    rows = accuracies(counts, evaluation)
    assert [rows[2][name] for name in ("accuracy", "low", "high", "longer_answer", "word_overlap")] == [None] * 5
    evaluations = [{"step": 0, "heldout_loss": None}, {"step": 9, "heldout_loss": 0.6}]
    metrics = {"before": rows, "after": rows, "evaluations": evaluations, "loss": [{"step": 1, "loss": 0.7}], "epochs": 1.0}
    accuracy, loss = panels({"metrics": metrics}, {})
    assert accuracy.content[0].categories == ["all", "describe"]
    assert accuracy.content[1].rows[2] == ["implement", 0, None, None, "– to –", None, None]
    assert not any("could not be" in panel_html(panel, "p") for panel in (accuracy, loss))
