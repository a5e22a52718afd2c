"""The arithmetic of the evaluation, against computations by hand."""

import math

import numpy as np
import pytest
import torch

from raylm.evaluate.build import outcome, speed, timed_prompts
from raylm.evaluate.code import parses, plain_answer
from raylm.evaluate.config import EvaluateConfig
from raylm.evaluate.engine import Timing
from raylm.evaluate.loss import losses, mean_difference
from raylm.evaluate.own_engine import OwnEngine
from raylm.evaluate.panels import panels
from raylm.evaluate.windows import Window, as_window, heldout_windows, spread
from raylm.model.config import ModelConfig
from raylm.model.decoder import Decoder
from raylm.model.hf_io import save_checkpoint


class Letters:
    """A tokenizer of one byte a token; ids below 7 are special."""

    def decode(self, ids):
        return bytes(i for i in ids if i >= 7).decode(errors="replace")


class Shards:
    """Two sources, the second without documents; the first in two parts."""

    sources = ("docs", "none")

    def tokens(self, source, split):
        assert split == "heldout"
        parts = [[1, 65, 66, 67, 2, 1, 2], [1, 0xC3, 0xA9, 0xC3, 0xA9, 2]]
        return [np.array(part, np.uint16) for part in parts] if source == "docs" else []

    def offsets(self, source, split):
        return [np.array([0, 5, 7]), np.array([0, 6])] * (source == "docs")


def test_windows_are_beginnings_of_documents_and_count_the_bytes_they_hold():
    windows = heldout_windows(Shards(), Letters(), per_source=9, length=100)
    assert [(w.ids, w.size) for w in windows] == [([1, 65, 66, 67, 2], 3), ([1, 0xC3, 0xA9, 0xC3, 0xA9, 2], 4)]
    cut = heldout_windows(Shards(), Letters(), per_source=9, length=4)
    assert [(w.ids, w.size) for w in cut] == [([1, 65, 66, 67], 3), ([1, 0xC3, 0xA9, 0xC3], 2)]
    assert as_window("x", [1], Letters()) is None and as_window("x", [1, 2], Letters()) is None


def test_documents_are_spread_over_the_whole_source():
    assert spread(3, 5) == [0, 1, 2] and spread(0, 5) == []
    assert spread(100, 4) == [12, 37, 62, 87]
    assert len(set(spread(1001, 1000))) == 1000


def test_bits_per_byte_is_the_nats_over_the_bytes():
    windows = [Window("a", [1, 8, 9], 5), Window("b", [1, 8], 3)]
    figures = losses(windows, [[math.log(0.5), math.log(0.25)], [math.log(0.125)]])
    assert figures["loss"] == pytest.approx(2 * math.log(2), abs=1e-4)  # 6 bits over 3 tokens
    assert figures["bits_per_byte"] == 6 / 8
    assert figures["sources"]["a"] == {"loss": round(1.5 * math.log(2), 4), "bits_per_byte": 3 / 5, "tokens": 2, "bytes": 5}
    assert figures["sources"]["b"]["bits_per_byte"] == 1.0
    assert losses([], [])["bits_per_byte"] is None
    assert mean_difference([[1.0, 2.0], [3.0]], [[1.5, 2.0], [2.0]]) == 0.5


def test_own_engine_scores_a_window_as_the_network_does_alone(tmp_path):
    torch.manual_seed(0)
    config = ModelConfig(vocabulary=90, hidden=32, layers=2, heads=2, kv_heads=1, feed_forward=64, context=32)
    (tmp_path / "tokenizer").mkdir()
    decoder = Decoder(config)
    save_checkpoint(decoder.state_dict(), config, tmp_path / "model", tmp_path / "tokenizer", dtype=torch.float32)
    engine = OwnEngine(tmp_path / "model")
    windows = [torch.randint(90, (n,)).tolist() for n in (5, 30, 2, 12, 7, 7, 7, 3, 20, 9)]
    with torch.inference_mode():
        for window, scores in zip(windows, engine.logprobs(windows), strict=True):
            alone = torch.log_softmax(decoder(torch.tensor([window])), -1)[0, :-1]
            expected = alone[range(len(window) - 1), window[1:]].tolist()
            assert scores == pytest.approx(expected, abs=1e-5)
    timing = engine.timed([windows[0]] * 2, 4)
    assert timing.tokens == 8 and len(timing.arrivals) == 4 and timing.rate > 0


@pytest.mark.parametrize(("answer", "expected"), [
    ("def f(x):\n    return x", True),
    ("Here it is:\n```python\ndef f(x):\n    return x\n```\nDone.", True),
    ("def f(x):\n    pass", False),
    ("def f(x):\n    ...", False),
    ("def f(x:\n    return x", False),
    ("x = 1", False), ("", False), ("\0", False), ("(" * 30_000, False), ("(" * 5_000, False),
])
def test_only_python_with_a_function_counts(answer, expected):
    assert parses(answer) is expected


def test_a_continuation_ends_where_its_function_ends():
    assert plain_answer(" f(x):\n    return x\n\nprint(1)\n    y") == "def f(x):\n    return x\n"
    assert parses(plain_answer(" f(x):\n    return x\n\nthis is prose"))


def test_speed_is_the_median_over_rounds():
    alone = [Timing([0.1, 0.2, 0.3, 0.5], 4), Timing([0.3, 0.4, 0.5, 0.8], 4), Timing([0.2, 0.3, 0.4, 0.4], 4)]
    figures = speed(alone, [Timing([1.0, 2.0], 32)])
    assert figures["first_token_ms"] == 200.0 and figures["per_token_ms"] == 100.0
    assert figures["tokens_per_second"] == 8.0 and figures["tokens_per_second_batch"] == 16.0
    assert set(speed([], []).values()) == {None}


def test_timed_prompts_fit_the_context_and_are_all_of_one_length():
    prompts = timed_prompts([Window("a", [1, 2, 3], 2)], EvaluateConfig(timed_prompt=64, timed_new=32, batch=3), context=40)
    assert [len(p) for p in prompts] == [8, 8, 8]
    assert len(timed_prompts([], EvaluateConfig(), 512)) == 16


def test_report_shows_what_is_missing_as_missing():
    stages = ("pretrain", "sft", "rlhf", "compress")
    one = {"engine": "raylm", "dtype": "float32", "load_seconds": 1.0, "weight_bytes": 10, "folder_bytes": 12}
    none = {"logprobs": [], "parse_rate": None, "sample": None, "difference": None}
    loaded, quality = dict.fromkeys(stages, one), dict.fromkeys(stages, none)
    made = outcome([], loaded, quality, {s: speed([], []) for s in stages})
    assert made.metrics["table"]["sft"]["parse_rate"] is None and "parse rate" not in made.headline
    first = panels({"metrics": made.metrics}, made.cost)[0]
    assert "no parse rate" in first.text and "not installed" in first.text
    assert first.content[0].rows[0][2:] == [None] * 7
    assert made.metrics["table"]["sft"]["scored_by"] == "raylm" and made.metrics["table"]["sft"]["dtype"] == "float32"
    assert panels({"metrics": made.metrics}, {})  # an artifact whose cost was lost
