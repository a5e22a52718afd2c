"""The held-out loss is measured on what there is, and where there is nothing it is unknown: never a perfect 0."""

import json
import math

import numpy as np
import pytest
import torch

from raylm.model.config import ModelConfig
from raylm.pipeline.report.panels import panel_html
from raylm.pretrain.build import measure_baselines, outcome
from raylm.pretrain.config import PretrainConfig
from raylm.pretrain.panels import panels
from raylm.pretrain.task import PretrainTask
from raylm.storage import Folder
from raylm.training.config import TrainConfig
from raylm.training.launch import TrainingLog
from raylm.training.loop import means

SHAPE = ModelConfig(vocabulary=50, hidden=32, layers=1, heads=2, kv_heads=2, feed_forward=32, context=64)
CONFIG = PretrainConfig(model=SHAPE, length=32, heldout_windows=4, train=TrainConfig(steps=2, batch=4, workers=2))
STEP = {"loss": 3.9, "learning_rate": 0.1, "grad_norm": 1.0, "targets": 124.0, "seconds": 0.5}


def tokens(place, heldout: dict[str, list[int]]) -> Folder:
    """Token shards of sources whose held-out documents have these sizes."""
    random = np.random.default_rng(0)
    index: dict = {"vocabulary": 50, "sources": {}}
    for source, sizes in heldout.items():
        index["sources"][source] = {}
        for split, own in (("train", [100, 100]), ("heldout", sizes)):
            folder = place / "shards" / source / split
            folder.mkdir(parents=True)
            np.save(folder / "tokens-00000.npy", random.integers(0, 50, sum(own)).astype(np.uint16))
            np.save(folder / "offsets-00000.npy", np.cumsum([0, *own]).astype(np.int64))
            index["sources"][source][split] = {"tokens": sum(own), "documents": len(own), "bytes": 3 * sum(own)}
    (place / "index.json").write_text(json.dumps(index))
    return Folder.at(place)


def evaluated(place: Folder, world: int = 1) -> dict[str, float | None]:
    """What the loop makes of an untrained network's evaluation on `world` workers."""
    task = PretrainTask(SHAPE, place, {"a": 1.0}, CONFIG.length, 0, CONFIG.heldout_windows, 2)
    model = task.model()
    with torch.no_grad():
        shares = [task.evaluate(model, rank, world) for rank in range(world)]
    return means({name: (sum(s[name][0] for s in shares), sum(s[name][1] for s in shares)) for name in shares[0]})


@pytest.mark.parametrize("world", [1, 2])
def test_less_heldout_text_than_one_window_is_measured_all_the_same(tmp_path, world):
    figures = evaluated(tokens(tmp_path, {"a": [9, 12], "long": [100]}), world)
    assert figures["heldout_loss/a"] == pytest.approx(math.log(50), rel=0.2)
    assert figures["heldout_loss"] == pytest.approx(math.log(50), rel=0.2)


@pytest.mark.parametrize("heldout", [{"a": [], "b": []}, {"a": [1], "b": [1, 1]}])
def test_without_heldout_text_the_loss_is_unknown_everywhere(tmp_path, heldout):
    place = tokens(tmp_path, heldout)
    figures = evaluated(place)
    assert figures["heldout_loss"] is None
    baselines = measure_baselines(place, {"a": 1.0}, CONFIG, 0)
    assert (baselines["unigram"], baselines["ngram"]) == (None, None)
    log = TrainingLog([{"step": 1, **STEP}, {"step": 2, **STEP}], [{"step": 0, **figures}, {"step": 2, **figures}], [])
    made = outcome(CONFIG, SHAPE, place.read_json("index.json"), {"a": 1.0}, log, baselines)
    assert made.headline["held-out loss"] == "–"
    assert made.metrics["heldout_loss"] is None
    assert made.metrics["heldout_loss_by_source"] == made.metrics["heldout_bits_per_byte"] == {}
    for panel in panels({"metrics": json.loads(json.dumps(made.metrics))}, made.cost):
        assert "could not be" not in panel_html(panel, "p")
