"""The whole stage on Ray: its processes, their placement, and what happens when one is killed."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
import ray
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


def context(world, output, config=CONFIG):
    return StageContext(config, 0, world, Folder.at(output), Meter())


def own_processes(title: str) -> list[int]:
    """Return the processes below this one whose command begins with `title`: nobody else's are ever touched."""
    parents, found = {}, []
    for folder in Path("/proc").iterdir():
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if (folder / "cmdline").read_text().startswith(title):
                found.append(int(folder.name))
        except (ValueError, OSError):
            continue

    def is_own(process):
        while process in parents:
            process = parents[process]
            if process == os.getpid():
                return True
        return False

    return [process for process in found if is_own(process)]


def kill_one_when(state: Path, killed: list[int]) -> None:
    """Wait for a saved state, then kill a process that holds a role."""
    deadline = time.time() + 300
    while not state.exists() and time.time() < deadline:
        time.sleep(0.05)
    killed.extend(own_processes("ray::RoleWorker")[:1])
    os.kill(killed[0], signal.SIGKILL)


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
    killed: list[int] = []
    killer = threading.Thread(target=kill_one_when, args=(tmp_path / "_state" / "latest.json", killed))
    killer.start()
    outcome = build(context(world, tmp_path, CONFIG.model_copy(update={"iterations": 6})))
    killer.join()
    assert killed
    assert outcome.cost["restarts"] == 1 and len(outcome.cost["resumes"]) == 1
    assert [figures["iteration"] for figures in outcome.metrics["history"]] == [1, 2, 3, 4, 5, 6]


def test_a_mistake_in_the_rewards_reaches_the_user_as_one_line(ray_cluster, world, tmp_path):
    config = CONFIG.model_copy(update={"rewards": {"bleu": 1.0}, "actor_workers": 1, "rollout_workers": 1})
    with pytest.raises(UserError, match=r"^rlhf\.rewards: unknown reward 'bleu'; allowed"):
        build(context(world, tmp_path, config))
