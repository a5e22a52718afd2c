"""Which engine gives the figures is decided by what is installed and asked for, never by how long something took."""

import math
from types import SimpleNamespace

import pytest
import torch

from raylm.errors import UserError
from raylm.evaluate import judge as judging
from raylm.evaluate.config import EvaluateConfig
from raylm.evaluate.judge import Exam, Judge, scored
from raylm.evaluate.panels import engines
from raylm.model.config import ModelConfig
from raylm.model.decoder import Decoder
from raylm.model.hf_io import save_checkpoint
from raylm.storage import Folder

WINDOWS = [[1, 8, 9, 2]] * 10
PATIENCE = EvaluateConfig().patience


class Vllm:
    """An engine under vLLM's name that takes `seconds` of the test's clock for every window."""

    name = "vLLM"

    def __init__(self, seconds: float):
        self.seconds, self.now, self.largest = seconds, 0.0, 0

    def clock(self):
        return self.now

    def logprobs(self, windows):
        self.now += self.seconds * len(windows)
        self.largest = max(self.largest, len(windows))
        return [[-1.0] * (len(window) - 1) for window in windows]

    def answers(self, prompts, max_new, stop):
        return [[] for _ in prompts]


@pytest.fixture
def judge(tmp_path, monkeypatch):
    """A maker of judges of a tiny checkpoint, on a machine where vLLM is or is not installed, with a clock of the test's own."""
    config = ModelConfig(vocabulary=90, hidden=32, layers=1, heads=2, kv_heads=1, feed_forward=64, context=32)
    (tmp_path / "tokenizer").mkdir()
    save_checkpoint(Decoder(config).state_dict(), config, tmp_path / "model", tmp_path / "tokenizer", dtype=torch.float32)

    def make(installed, engine="auto", patience=PATIENCE, seconds=0.0):
        monkeypatch.setattr("raylm.evaluate.vllm_engine.vllm_installed", lambda: installed)
        made = Vllm(seconds)
        monkeypatch.setattr("raylm.evaluate.vllm_engine.VllmEngine", lambda folder, context, dtype: made)
        monkeypatch.setattr(judging, "time", SimpleNamespace(monotonic=made.clock, perf_counter=made.clock))
        monkeypatch.setattr("raylm.tokenizer.text.Tokenizer.open", lambda folder: None)
        exam = Exam(WINDOWS, [], False, [2], 4, 32, engine, patience)
        return Judge(Folder.at(tmp_path / "model"), exam, Folder.at(tmp_path / "tokenizer"))

    return make


@pytest.mark.parametrize("seconds", [0.0, 60.0])
def test_a_busy_machine_changes_no_figure(judge, seconds):
    """Ten minutes of scoring used to make it change the engine in silence."""
    busy = judge(True, seconds=seconds)
    assert busy.load()["engine"] == "vLLM"
    assert busy.quality(False)["logprobs"] == [[-1.0] * 3] * 10


def test_the_recipe_and_the_installation_choose_the_engine(judge):
    assert judge(False).load()["engine"] == "raylm"
    assert judge(True, engine="raylm").load()["engine"] == "raylm"
    found = judge(True).load()
    assert found["engine"] == "vLLM" and found["dtype"] == judging.serving_dtype()
    assert judge(False).load()["dtype"] == "float32"


def test_patience_is_no_part_of_the_address_but_the_engine_is():
    assert "patience" not in EvaluateConfig().identity() and EvaluateConfig().identity()["engine"] == "auto"


def test_an_engine_that_would_hang_the_stage_is_stopped_with_the_way_on(judge):
    hopeless = judge(True, seconds=500.0)
    hopeless.load()
    with pytest.raises(UserError, match=r"vLLM scored 4 of 10 windows in 2000 s, allowed: 900.*evaluate\.engine=raylm") as refusal:
        hopeless.quality(False)
    assert "\n" not in str(refusal.value)


def test_our_own_engine_is_never_stopped(judge):
    plain = judge(False, patience=1e-9)
    plain.load()
    assert all(math.isfinite(value) for row in plain.quality(False)["logprobs"] for value in row)


def test_scoring_in_parts_is_scoring_in_order():
    engine = Vllm(0.0)
    windows = [[1] * length for length in range(2, 13)]
    assert [len(row) for row in scored(engine, windows, 900.0)] == list(range(1, 12))
    assert engine.largest < len(windows)
    assert scored(engine, [], 1.0) == []


def test_report_names_every_engine_that_gave_figures():
    vllm, own = {"scored_by": "vLLM", "dtype": "bfloat16"}, {"scored_by": "raylm", "dtype": "float32"}
    assert engines({"sft": vllm, "rlhf": vllm}) == "All of it was scored, answered and timed by vLLM in bfloat16."
    mixed = engines({"sft": vllm, "compress": own})
    assert "vLLM in bfloat16 (sft)" in mixed and "raylm in float32 (compress)" in mixed and "not installed" in mixed
