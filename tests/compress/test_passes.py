"""A compression pass is one file and one registered line: a toy one, registered here, goes through recipe, stage and report."""

import copy
import json
from typing import Literal

import numpy as np
import pytest
import torch

from raylm.compress.build import Job, compress, outcome
from raylm.compress.chain import apply_passes
from raylm.compress.config import CalibrationConfig, CompressConfig
from raylm.compress.panels import panels
from raylm.compress.passes import PASSES, Pass
from raylm.compress.passes.int8 import Int8
from raylm.compress.result import Calibration, Compressed
from raylm.compress.verify import decompression_differs
from raylm.errors import RecipeError, UserError
from raylm.evaluate.own_engine import OwnEngine
from raylm.model.config import ModelConfig
from raylm.model.decoder import Decoder
from raylm.model.hf_io import load_config, load_decoder, save_checkpoint
from raylm.model.int8 import Int8Linear, load_int8_decoder
from raylm.progress import Meter
from raylm.recipe.reading import validate
from raylm.recipe.section import Section
from raylm.storage import Folder

SHAPE = ModelConfig(vocabulary=160, hidden=64, layers=3, heads=2, kv_heads=1, feed_forward=96, context=64)


class Shorter(Section):
    """Fewer blocks, kept dense."""

    method: Literal["shorter"] = "shorter"
    blocks: int = 1


def shorten(decoder: Decoder, section: Shorter, calibration: Calibration) -> Compressed:
    """Leave out the last blocks: another shape, no quantisation, no rows."""
    made = copy.deepcopy(decoder)
    made.config = decoder.config.model_copy(update={"layers": decoder.config.layers - section.blocks})
    del made.model.layers[made.config.layers:]
    return Compressed(made)


@pytest.fixture
def shorter(monkeypatch):
    monkeypatch.setitem(PASSES, "shorter", Pass(Shorter, shorten, "The last blocks are left out."))


@pytest.fixture
def world(tmp_path):
    """A parent checkpoint and token shards; returns the compress task's job for a configuration."""
    torch.manual_seed(0)
    (tmp_path / "tokenizer").mkdir()
    save_checkpoint(Decoder(SHAPE).state_dict(), SHAPE, tmp_path / "parent", tmp_path / "tokenizer")
    sizes = {}
    for split in ("train", "heldout"):
        folder = tmp_path / "shards" / "a" / split
        folder.mkdir(parents=True)
        np.save(folder / "tokens-00000.npy", np.random.default_rng(0).integers(7, 160, 1200).astype(np.uint16))
        np.save(folder / "offsets-00000.npy", np.arange(31, dtype=np.int64) * 40)
        sizes[split] = {"tokens": 1200, "documents": 30, "bytes": 1200}
    (tmp_path / "index.json").write_text(json.dumps({"sources": {"a": sizes}}))
    (tmp_path / "out").mkdir()

    def job(*passes):
        config = CompressConfig(passes=passes, calibration=CalibrationConfig(windows=4, length=32))
        return Job(config, Folder.at(tmp_path / "parent"), Folder.at(tmp_path), Folder.at(tmp_path / "out"), 0, Meter())

    return job


@pytest.fixture
def text():
    ids = torch.randint(7, SHAPE.vocabulary, (4, 32), generator=torch.Generator().manual_seed(1))
    return Calibration(ids, torch.zeros_like(ids))


def test_a_recipe_may_name_any_registered_pass_in_any_order(shorter):
    given = {"passes": [{"method": "shorter", "blocks": 2}, {"method": "int8", "activations": "dynamic"}]}
    config = validate(CompressConfig, given, "r.yaml")
    assert config.passes == (Shorter(blocks=2), Int8(activations="dynamic"))
    assert [section["method"] for section in config.identity()["passes"]] == ["shorter", "int8"]
    assert validate(CompressConfig, config.model_dump(mode="json"), "saved") == config  # as the run's folder keeps it


@pytest.mark.parametrize(("passes", "line"), [
    ([{"method": "int3"}], "r.yaml: passes.0.method: got 'int3', allowed: int8, shorter"),
    ([{"method": "shorter"}, {"method": "int8", "observr": "mse"}],
     "r.yaml: passes.1.observr: unknown key (did you mean 'observer'?); allowed here: activations, method, observer, weight_bits"),
    ([{"method": "int8", "activations": "fp8"}], "r.yaml: passes.0.activations: got 'fp8', allowed: 'static' or 'dynamic'"),
    ([{"blocks": 1}], "r.yaml: passes.0.method: got 'no method', allowed: int8, shorter"),
    ([], "r.yaml: passes: got [], allowed: at least one of int8, shorter"),
    ([7], "r.yaml: passes.0: got 7, allowed: a mapping with `method` and that pass's keys")])
def test_a_wrong_pass_is_one_line_that_lists_what_is_registered(shorter, passes, line):
    with pytest.raises(RecipeError) as refusal:
        validate(CompressConfig, {"passes": passes}, "r.yaml")
    assert str(refusal.value) == line


def test_passes_are_applied_in_order_each_to_what_the_one_before_left(shorter, world, tmp_path):
    figures = compress(world(Shorter(), Int8()))
    folder = tmp_path / "out" / "checkpoint"
    assert load_config(folder).layers == 2 and figures["quantized"]
    assert len(figures["layers"]) == 7 * 2 and {row["pass"] for row in figures["layers"]} == {"int8"}
    integers = [layer for layer in load_int8_decoder(folder).modules() if isinstance(layer, Int8Linear)]
    assert len(integers) == 7 * 2
    made = outcome({**figures, "probe": None, "context": None}, None)
    assert [section["method"] for section in made.metrics["passes"]] == ["shorter", "int8"]
    assert panels({"metrics": made.metrics}, {})[0].text.startswith("The last blocks are left out. Only the blocks' linear")


def test_a_dense_result_is_written_checked_examined_and_reported(shorter, world, tmp_path):
    figures = compress(world(Shorter(blocks=2)))
    folder = tmp_path / "out" / "checkpoint"
    assert "quantization_config" not in json.loads((folder / "config.json").read_text())
    assert decompression_differs(folder) == [] and not figures["quantized"]
    ids = torch.tensor(figures["probe"]["windows"])
    with torch.inference_mode():
        scores = torch.log_softmax(load_decoder(folder)(ids)[:, :-1], -1).gather(-1, ids[:, 1:, None]).squeeze(-1)
    torch.testing.assert_close(scores, torch.tensor(figures["probe"]["logprobs"]), atol=0.02, rtol=0)  # bfloat16 on the disk
    assert len(OwnEngine(folder).logprobs([[1, 8, 9]])[0]) == 2
    shown = panels({"metrics": outcome(figures, {"vllm_difference": 0.01}).metrics}, {})
    assert len(shown) == 1 and "8-bit" not in shown[0].text and "compressed-tensors" not in shown[0].text


def test_two_passes_that_quantise_are_a_users_mistake(text):
    with pytest.raises(UserError, match="both quantise"):
        apply_passes(Decoder(SHAPE), (Int8(), Int8()), text)


def test_the_headline_says_that_the_loss_is_on_calibration_text(world):
    figures = compress(world(Int8()))
    made = outcome(figures, None)
    rise = figures["loss_after"] - figures["loss_before"]
    assert made.headline["calibration loss"] == f"{rise:+.4f} nats" and "loss" not in made.headline
