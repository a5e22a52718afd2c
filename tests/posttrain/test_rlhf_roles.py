"""The roles alone, without Ray, in a process group of one: the invariants that PPO stands on."""

import os

import pytest
import torch
from rlhf_world import write_world

from raylm.model.hf_io import load_decoder
from raylm.model.loss import logprobs
from raylm.posttrain.rlhf.batch import pad
from raylm.posttrain.rlhf.config import KlConfig, RlhfConfig
from raylm.posttrain.rlhf.roles import Actor, Critic, Reference, RewardModel
from raylm.posttrain.rlhf.rollout import TorchRollout

CONFIG = RlhfConfig(prompts=8, minibatch=8, micro_batch=4, max_new=12, rollout_batch=8, learning_rate=1e-3, warmup=0,
                    temperature=0.8, zero_stage=3)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module", autouse=True)
def process_group(group_of_one):
    """What a `WorkerGroup` of one announces to its role."""
    os.environ.update(group_of_one)
    yield
    for name in group_of_one:
        os.environ.pop(name, None)


@pytest.fixture(scope="module")
def rolled(world):
    """Prompts of unequal length, answered by the rollout engine."""
    prompts = [[1, 4, *range(10, 10 + n), 5] for n in range(3, 11)]
    made = TorchRollout(world["sft"], CONFIG).generate(prompts, [6, 2], seed=1)
    rows = pad(prompts, made.tokens)
    sampled = torch.zeros(rows["mask"].shape)
    sampled[rows["mask"]] = torch.cat(made.logprobs)
    return prompts, made, rows, sampled


def learning_rows(rows, actor):
    generator = torch.Generator().manual_seed(0)
    return {**rows, "old": actor.measure(rows), "reference": actor.measure(rows),
            "advantages": torch.randn(rows["mask"].shape, generator=generator)}


def test_actor_reference_and_rollout_agree_before_any_update(world, rolled):
    _, _, rows, sampled = rolled
    actor, reference = Actor(world["sft"], CONFIG, 1), Reference(world["sft"], CONFIG)
    mine, theirs, mask = actor.measure(rows), reference.measure(rows), rows["mask"]
    assert torch.equal(mine[mask], theirs[mask])  # a divergence of exactly zero
    torch.testing.assert_close(mine[mask], sampled[mask], atol=1e-4, rtol=0)


def test_logprobs_of_answers_are_those_of_the_whole_sequence(world, rolled):
    prompts, made, rows, _ = rolled
    decoder, measured = load_decoder(world["sft"].local()), Reference(world["sft"], CONFIG).measure(rows)
    for row, (prompt, answer) in enumerate(zip(prompts, made.tokens, strict=True)):
        ids = torch.tensor([prompt + answer])
        whole = logprobs(decoder(ids)[:, :-1] / CONFIG.temperature, ids[:, 1:])[0, len(prompt) - 1:]
        torch.testing.assert_close(measured[row, :len(answer)], whole.detach(), atol=1e-4, rtol=0)


def test_rollouts_depend_on_the_seed_alone(world, rolled):
    prompts, made, _, _ = rolled
    engine = TorchRollout(world["sft"], CONFIG)
    engine.generate(prompts[:3], [6, 2], seed=9)
    assert engine.generate(prompts, [6, 2], seed=1).tokens == made.tokens
    assert engine.generate(prompts, [6, 2], seed=2).tokens != made.tokens


@pytest.mark.parametrize("stage", [2, 3])
def test_first_ratio_is_1_and_a_step_follows_the_advantage(world, rolled, stage):
    rows = rolled[2]
    actor = Actor(world["sft"], CONFIG.model_copy(update={"zero_stage": stage}), 1)
    rows = learning_rows(rows, actor)
    figures = actor.update(rows, int(rows["mask"].sum()), 0, 0.0)
    assert figures["worst"] < 1e-5
    moved = (actor.measure(rows) - rows["old"])[rows["mask"]]
    assert float((moved * rows["advantages"][rows["mask"]]).sum()) > 0


def test_a_step_is_the_same_for_any_micro_batch(world, rolled):
    rows, results = rolled[2], []
    for micro in (2, 8):
        actor = Actor(world["sft"], CONFIG.model_copy(update={"micro_batch": micro}), 1)
        share = learning_rows(rows, actor)
        actor.update(share, int(share["mask"].sum()), 0, 0.0)
        results.append(actor.weights())
    for name, tensor in results[0].items():
        torch.testing.assert_close(tensor, results[1][name], atol=2e-5, rtol=0)


def test_synced_rollout_equals_the_trained_actor_and_state_restores_it(world, rolled, tmp_path):
    prompts, _, rows, _ = rolled
    from raylm.storage import Folder

    actor, engine = Actor(world["sft"], CONFIG, 1), TorchRollout(world["sft"], CONFIG)
    share = learning_rows(rows, actor)
    actor.update(share, int(share["mask"].sum()), 0, 0.0)
    actor.save(Folder.at(tmp_path / "state"))
    assert engine.load(actor.weights(), 1) == 1
    made = engine.generate(prompts, [6, 2], seed=5)
    assert made.version == 1
    fresh = pad(prompts, made.tokens)
    sampled = torch.cat(made.logprobs)
    torch.testing.assert_close(actor.measure(fresh)[fresh["mask"]], sampled, atol=1e-4, rtol=0)
    again = Actor(world["sft"], CONFIG, 1)
    again.restore(Folder.at(tmp_path / "state"))
    for actor_now in (actor, again):
        actor_now.update(share, int(share["mask"].sum()), 1, 0.0)
    for name, tensor in actor.weights().items():
        assert torch.equal(tensor, again.weights()[name]), name


def test_an_engine_refuses_weights_that_are_not_all_there(world):
    engine = TorchRollout(world["sft"], CONFIG)
    with pytest.raises(RuntimeError, match="Missing key"):
        engine.load({}, 1)


def test_kl_in_the_loss_pulls_back_to_the_reference(world, rolled):
    kl = KlConfig(placement="loss", estimator="k2", coefficient=1.0)
    actor = Actor(world["sft"], CONFIG.model_copy(update={"kl": kl}), 1)
    rows = learning_rows(rolled[2], actor)
    far = {**rows, "reference": rows["old"] + 1.0, "advantages": torch.zeros_like(rows["old"])}
    actor.update(far, int(rows["mask"].sum()), 0, 1.0)
    assert float((actor.measure(rows) - rows["old"])[rows["mask"]].mean()) > 0


def test_critic_starts_at_zero_and_learns_returns(world, rolled):
    critic = Critic(world["reward"], CONFIG.model_copy(update={"critic_learning_rate": 1e-2, "value_clip": 10.0}), 1)
    rows = dict(rolled[2])
    rows["values"] = critic.measure(rows)
    assert not rows["values"].any()
    rows["returns"] = torch.where(rows["mask"], 1.0, 0.0)
    losses = [critic.update(rows, int(rows["mask"].sum()), step, 0.0)["loss"] for step in range(8)]
    assert losses[0] == pytest.approx(0.5) and losses[-1] < 0.25


def test_reward_is_read_at_the_last_token_whatever_follows(world, rolled):
    rows, model = rolled[2], RewardModel(world["reward"], CONFIG)
    scores = model.score(rows)
    padded = rows["ids"].clone()
    for row in range(len(padded)):
        padded[row, int(rows["prompt"][row] + rows["answer"][row]):] = 6  # an end token in the padding must change nothing
    torch.testing.assert_close(model.score({**rows, "ids": padded}), scores)
    one = pad([rolled[0][2]], [rolled[1].tokens[2]], multiple=1)
    torch.testing.assert_close(model.score(one)[0], scores[2], atol=1e-5, rtol=0)
