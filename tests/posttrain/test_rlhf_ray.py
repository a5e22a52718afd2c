"""The whole stage on Ray: its processes, their placement, and what happens when one is killed."""

import os
import signal
import threading
import time

import pytest
import ray
from ray.util.state import list_actors
from rlhf_world import write_world

from raylm.errors import UserError
from raylm.posttrain.rlhf.build import build
from raylm.posttrain.rlhf.config import RlhfConfig
from raylm.progress import Meter
from raylm.stage import StageContext
from raylm.storage import Artifact, Folder

CONFIG = RlhfConfig(iterations=3, prompts=8, minibatch=8, micro_batch=4, max_new=8, prompt_tokens=56, rollout_batch=4,
                    calibration=8, evaluation=6, checkpoint_every=1, learning_rate=1e-3, actor_workers=2, rollout_workers=2,
                    cpus_per_worker=0.15, drift_limit=1e-2)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    write_world(root)
    return {name: Artifact(name, "0" * 16, Folder.at(root / name)) for name in ("sft", "reward")}


def context(world, output, config=CONFIG, meter=None):
    return StageContext(config, 0, world, Folder.at(output), meter or Meter())


class KillingBoard:
    """A board that ends one process of the stage, once, when the first iteration is reported."""

    def __init__(self, flag):
        self.flag = flag

    def begin(self, name, unit, total):
        pass

    def advance(self, amount):
        pass

    def set(self, done, note):
        if not os.path.exists(self.flag):
            open(self.flag, "w").close()
            threading.Thread(target=self.kill).start()

    def kill(self):
        time.sleep(0.2)
        victims = [a for a in list_actors(filters=[("class_name", "=", "RoleWorker"), ("state", "=", "ALIVE")])]
        os.kill(int(victims[0].pid), signal.SIGKILL)


@pytest.mark.slow
def test_two_actor_workers_align_a_model_and_give_the_placement_back(ray_cluster, world, tmp_path):
    free = ray.available_resources().get("CPU")
    outcome = build(context(world, tmp_path))
    assert len(outcome.metrics["history"]) == 3
    assert outcome.metrics["history"][0]["kl_k3"] < 1e-6 and outcome.metrics["after"]["kl_k3"] > 0
    assert (tmp_path / "checkpoint" / "model.safetensors").exists() and not (tmp_path / "_state").exists()
    deadline = time.time() + 30
    while ray.available_resources().get("CPU") != free and time.time() < deadline:
        time.sleep(0.2)
    assert ray.available_resources().get("CPU") == free
    again = build(context(world, tmp_path))  # killed between the end and its publication: nothing is done twice
    assert again.metrics == outcome.metrics


@pytest.mark.slow
def test_a_killed_process_costs_no_more_than_the_last_state(ray_cluster, world, tmp_path):
    board = ray.remote(KillingBoard).options(num_cpus=0).remote(str(tmp_path / "killed"))
    outcome = build(context(world, tmp_path / "out", meter=Meter(board)))
    assert (tmp_path / "killed").exists()
    assert outcome.cost["restarts"] == 1 and len(outcome.cost["resumes"]) == 1
    assert [figures["iteration"] for figures in outcome.metrics["history"]] == [1, 2, 3]


def test_a_mistake_in_the_rewards_reaches_the_user_as_one_line(ray_cluster, world, tmp_path):
    config = CONFIG.model_copy(update={"rewards": {"bleu": 1.0}, "actor_workers": 1, "rollout_workers": 1})
    with pytest.raises(UserError, match="^rlhf.rewards: unknown reward 'bleu'; allowed"):
        build(context(world, tmp_path, config))
