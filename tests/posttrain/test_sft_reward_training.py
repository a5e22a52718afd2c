"""Fine-tuning and the reward model end to end: Ray Data, Ray Train and DeepSpeed on a small corpus."""

import json
import math
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from stdlib_world import make_world, toy_modules

from raylm.model.hf_io import load_scorer
from raylm.model.value import at_ends
from raylm.posttrain.pairs.config import PairsConfig
from raylm.posttrain.reward import build as reward_stage
from raylm.posttrain.reward import panels as reward_panels
from raylm.posttrain.reward.config import RewardConfig
from raylm.posttrain.reward.loss import wins
from raylm.posttrain.reward.table import Preferences
from raylm.posttrain.sft import build as sft_stage
from raylm.posttrain.sft import panels as sft_panels
from raylm.posttrain.sft.config import SftConfig
from raylm.progress import Meter
from raylm.stage import StageContext
from raylm.storage import Artifact, Folder
from raylm.training.config import TrainConfig

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    return root, make_world(root, toy_modules())


@pytest.fixture(scope="module")
def sft(ray_cluster, world):
    root, inputs = world
    config = SftConfig(
        pairs=PairsConfig(enough=10, heldout_limit=100), length=192, evaluation=8, examples=2, max_new=16,
        train=TrainConfig(steps=40, batch=16, micro_batch=8, learning_rate=3e-3, warmup=4, evaluate_every=40))
    output = Folder.at(root / "sft")
    outcome = sft_stage.build(StageContext(config, 0, inputs, output, Meter()))
    return Artifact("sft", "0", output), outcome


@pytest.fixture(scope="module")
def reward(sft, world):
    root, inputs = world
    config = RewardConfig(
        length=128, evaluation=200,
        train=TrainConfig(steps=240, batch=32, micro_batch=16, learning_rate=3e-3, warmup=5, final_fraction=1.0,
                          evaluate_every=240, precision="fp32"))
    output = Folder.at(root / "reward")
    outcome = reward_stage.build(StageContext(config, 0, {**inputs, "sft": sft[0]}, output, Meter()))
    return output, outcome


def test_fine_tuning_lowers_the_held_out_answers_loss_in_both_directions(sft):
    _, outcome = sft
    before, after = outcome.metrics["before"], outcome.metrics["after"]
    # An untrained network is near ln(vocabulary); half a nat below is more than noise.
    for direction in ("describe", "implement"):
        assert after[f"heldout_loss_{direction}"] < before[f"heldout_loss_{direction}"] - 0.5
    assert [e["direction"] for e in outcome.metrics["examples"]] == ["describe", "describe", "implement", "implement"]
    # Packing earns its name: one conversation a window would need more than twice as many windows.
    assert 2 * outcome.metrics["windows"]["train"]["windows"] < outcome.counts_out["conversations"]
    json.dumps(vars(outcome))


def test_the_fine_tuned_checkpoint_carries_tokenizer_and_chat_template(sft):
    folder = Path(sft[0].folder.child("checkpoint").uri)
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    ids = tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], add_generation_prompt=True, return_dict=False)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    assert model(torch.tensor([ids])).logits.shape[-1] == len(tokenizer)


def test_the_reward_model_prefers_held_out_true_answers_more_often_than_chance(reward):
    _, outcome = reward
    before, after = outcome.metrics["before"][0], outcome.metrics["after"][0]
    assert before["accuracy"] == 0.5
    assert after["accuracy"] > 0.6 and 0 < after["low"] < after["accuracy"] < after["high"] < 1
    assert outcome.metrics["evaluations"][0]["heldout_loss"] == pytest.approx(math.log(2), abs=1e-3)
    json.dumps(vars(outcome))


def test_the_reward_checkpoint_scores_as_measured_and_loads_in_transformers(reward, world):
    output, _ = reward
    folder = Path(output.child("checkpoint").uri)
    pad = world[1]["tokenize"].folder.read_json("index.json")["pad"]
    heldout = Preferences(Path(output.child("preferences").uri), "heldout", pad)
    scorer = load_scorer(folder)
    batch = heldout.batch(torch.arange(min(64, len(heldout))).numpy())
    with torch.no_grad():
        chosen, rejected = at_ends(scorer(batch["ids"].flatten(0, 1)), batch["lengths"].flatten()).view(-1, 2).unbind(1)
    assert float(wins(chosen, rejected).mean()) > 0.5
    transformers = pytest.importorskip("transformers")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)
    first = batch["ids"][0, 0, :batch["lengths"][0, 0]]
    with torch.no_grad():
        assert model(first[None]).logits.item() == pytest.approx(chosen[0].item(), abs=1e-4)


def test_preferences_are_drawn_within_their_split(reward, sft):
    output, _ = reward
    rows = {}
    for split in ("train", "heldout"):
        place = output.child("preferences", split)
        rows[split] = [pq.read_table(place.file(name)).to_pydict() for name in place.names(".parquet")]
    answers = {split: {text for part in parts for text in part["chosen"]} for split, parts in rows.items()}
    wrong = {text for part in rows["heldout"] for text, direction in zip(part["rejected"], part["direction"], strict=True)
             if direction == "describe"}
    assert wrong <= answers["heldout"]


def test_a_finished_stage_is_not_trained_again(sft, world):
    artifact, outcome = sft
    config = SftConfig(pairs=PairsConfig(enough=10, heldout_limit=100), length=192, evaluation=8, examples=2, max_new=16,
                       train=TrainConfig(steps=40, batch=16, micro_batch=8, learning_rate=3e-3, warmup=4, evaluate_every=40))
    again = sft_stage.build(StageContext(config, 0, world[1], artifact.folder, Meter()))
    assert again.metrics == outcome.metrics


def test_panels_are_drawn_from_the_manifest_alone(sft, reward):
    for outcome, module in ((sft[1], sft_panels), (reward[1], reward_panels)):
        panels = module.panels({"metrics": json.loads(json.dumps(outcome.metrics))}, outcome.cost)
        assert len(panels) >= 2 and all(panel.title and panel.content for panel in panels)
