"""The loop around the roles, in one process: it learns, it resumes where it was, and it says what is wrong."""

import os

import pytest
import torch
from rlhf_world import write_world

from raylm.errors import UserError
from raylm.posttrain.rlhf.build import _outcome
from raylm.posttrain.rlhf.config import RlhfConfig
from raylm.posttrain.rlhf.controller import Job, align, run
from raylm.posttrain.rlhf.panels import panels
from raylm.posttrain.rlhf.rewards import CHECKS
from raylm.posttrain.rlhf.roles import Actor, Critic, Reference, RewardModel
from raylm.posttrain.rlhf.rollout import TorchRollout
from raylm.progress import Meter
from raylm.storage import Folder

CONFIG = RlhfConfig(iterations=4, prompts=8, minibatch=8, micro_batch=8, max_new=8, prompt_tokens=56, rollout_batch=8,
                    calibration=8, evaluation=6, checkpoint_every=2, warmup=0, learning_rate=3e-3, drift_limit=1e-3)


class LostError(Exception):
    """A process that died, as a team without processes says it."""


class LocalTeam:
    """A `Team` whose roles live in this process; it can die after some syncs."""

    def __init__(self, folders, config, syncs=10**6):
        self.config, self.syncs, self.closed = config, syncs, False
        self.actor, self.critic = Actor(folders["sft"], config, 1), Critic(folders["reward"], config, 1)
        self.reference, self.reward = Reference(folders["sft"], config), RewardModel(folders["reward"], config)
        self.rollout = TorchRollout(folders["sft"], config)

    def generate(self, prompts, stop, seeds):
        size = self.config.rollout_batch
        return [self.rollout.generate(prompts[i * size:(i + 1) * size], stop, seed) for i, seed in enumerate(seeds)]

    def judge(self, rows):
        return {"old": self.actor.measure(rows), "reference": self.reference.measure(rows),
                "values": self.critic.measure(rows), "scores": self.reward.score(rows)}

    def score(self, rows):
        return self.reward.score(rows)

    def update(self, steps, kl_coefficient):
        return {"actor": [self.actor.update(s.rows, s.tokens, s.number, kl_coefficient) for s in steps],
                "critic": [self.critic.update(s.rows, s.tokens, s.number, kl_coefficient) for s in steps]}

    def sync(self, version):
        self.syncs -= 1
        if self.syncs < 0:
            raise LostError
        self.rollout.load(self.actor.weights(), version)

    def save(self, folder):
        self.actor.save(folder.child("actor"))
        self.critic.save(folder.child("critic"))

    def restore(self, folder):
        self.actor.restore(folder.child("actor"))
        self.critic.restore(folder.child("critic"))

    def export(self, output):
        self.actor.export(output)

    def broken(self):
        return False

    def close(self):
        self.closed = True


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


def job(world, output, config=CONFIG):
    return Job(config, 0, world["sft"], world["reward"], world["pairs"], Folder.at(output), Meter())


def test_a_lost_team_is_replaced_and_ends_like_an_undisturbed_run(world, tmp_path):
    undisturbed = align(job(world, tmp_path / "a"), LocalTeam(world, CONFIG))
    teams = [LocalTeam(world, CONFIG, syncs=4), LocalTeam(world, CONFIG)]
    made = iter(teams)
    result = run(job(world, tmp_path / "b"), lambda: next(made), LostError)
    assert result["restarts"] == 1 and result["progress"].resumes == [2]
    assert all(team.closed for team in teams)
    assert [figures["iteration"] for figures in result["progress"].history] == [1, 2, 3, 4]
    assert result["progress"].history == undisturbed["progress"].history
    assert result["after"] == undisturbed["after"]
    weights = [tmp_path / name / "checkpoint" / "model.safetensors" for name in "ab"]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_a_team_that_keeps_dying_is_given_up(world, tmp_path):
    with pytest.raises(LostError):
        run(job(world, tmp_path, CONFIG.model_copy(update={"restarts": 1})), lambda: LocalTeam(world, CONFIG, 0), LostError)


def test_before_the_first_update_the_divergence_is_zero_and_drift_stays_small(world, tmp_path):
    result = align(job(world, tmp_path), LocalTeam(world, CONFIG))
    first = result["progress"].history[0]
    assert result["progress"].before["kl"] == 0.0 and first["kl"] == 0.0 and first["kl_k3"] == 0.0
    assert max(figures["drift"] for figures in result["progress"].history) < 1e-4
    assert max(figures["first_ratio"] for figures in result["progress"].history) < 1e-4
    assert result["after"]["kl_k3"] > 0.0
    assert {"model", "parses", "total"} == set(result["after"]["rewards"])


def test_an_engine_that_missed_a_sync_stops_the_run(world, tmp_path):
    team = LocalTeam(world, CONFIG)
    team.sync = lambda version: None
    with pytest.raises(RuntimeError, match="a sync was missed"):
        align(job(world, tmp_path), team)


def test_an_engine_with_other_weights_stops_the_run(world, tmp_path):
    team = LocalTeam(world, CONFIG)
    load = team.rollout.load
    team.rollout.load = lambda weights, version: load({k: v * 1.5 for k, v in weights.items()}, version)
    with pytest.raises(RuntimeError, match="do not hold the same weights"):
        align(job(world, tmp_path), team)


def test_prompts_that_are_all_too_long_are_a_users_error(world, tmp_path):
    with pytest.raises(UserError, match=r"rlhf\.prompt_tokens"):
        align(job(world, tmp_path, CONFIG.model_copy(update={"prompt_tokens": 8})), LocalTeam(world, CONFIG))


def test_ppo_learns_to_say_what_is_rewarded(world, tmp_path, monkeypatch):
    """The reward is the share of one letter in the answer: it must become common within a minute."""
    monkeypatch.setitem(CHECKS, "letter", lambda answer: answer.text.count("e") / 8)
    config = CONFIG.model_copy(update={
        "iterations": 12, "prompts": 32, "minibatch": 16, "micro_batch": 16, "rollout_batch": 32, "learning_rate": 1e-2,
        "critic_learning_rate": 1e-2, "checkpoint_every": 100, "evaluation": 16, "epochs": 2, "rewards": {"letter": 1.0},
        "zero_stage": 2, "drift_limit": 1e-2})
    torch.manual_seed(0)
    result = align(job(world, tmp_path, config), LocalTeam(world, config))
    before, after = result["progress"].before["rewards"]["letter"], result["after"]["rewards"]["letter"]
    assert after > before + 0.2, (before, after)


def test_outcome_and_panels_are_made_of_the_result(world, tmp_path):
    result = align(job(world, tmp_path), LocalTeam(world, CONFIG))
    progress = result.pop("progress")
    written = {**result, "restarts": 0, "before": progress.before, "history": progress.history, "resumes": [],
               "reward_mean": progress.reward_mean, "reward_deviation": progress.reward_deviation}
    outcome = _outcome(written, CONFIG)
    shown = panels({"metrics": outcome.metrics}, outcome.cost)
    assert len(shown) == 4 and all(panel.content for panel in shown)
    assert outcome.headline["held-out reward"].count("→") == 1 and "seconds" not in outcome.metrics
