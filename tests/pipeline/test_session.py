"""A private session is this machine's own: none of its processes can be reached from another one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
PROGRAM = """
import json, os, sys, threading, time
import ray
from listening import beyond_loopback, sockets
from raylm.pipeline.session import session

class Worker:
    def settings(self):
        return [ray.util.get_node_ip_address(), os.environ.get("GLOO_SOCKET_IFNAME")]

def meet(config):
    import torch
    import torch.distributed as dist

    total = torch.ones(1)
    dist.all_reduce(total)
    assert total.item() == 2
    time.sleep(config["seconds"])

def train():
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer
    from raylm.training.one_address import OneAddress

    scaling = ScalingConfig(num_workers=2, resources_per_worker={"CPU": 0.4})
    TorchTrainer(meet, train_loop_config={"seconds": 6}, scaling_config=scaling, torch_config=OneAddress(backend="gloo"),
                 run_config=RunConfig(storage_path=sys.argv[1], name="meet")).fit()

with session():
    training = threading.Thread(target=train)
    training.start()
    worker = ray.remote(num_cpus=0.1)(Worker).remote()
    settings = ray.get(worker.settings.remote())
    assert ray.get(ray.remote(lambda: 1).remote()) == 1
    open_to_others, started, seen = {}, time.time(), set()
    # Agents open their ports one after the other, some of them long after the first task ran.
    while time.time() < started + 90 and (len(seen) < 9 or time.time() < started + 12 or training.is_alive()):
        seen |= set(sockets(os.getpid()))
        open_to_others |= beyond_loopback(os.getpid())
        time.sleep(0.5)
    training.join()
left = [name for name in ("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "GLOO_SOCKET_IFNAME") if name in os.environ]
print(json.dumps({"settings": settings, "seen": len(seen), "open": [[*place, by] for place, by in open_to_others.items()],
                  "left": left, "trained": os.listdir(sys.argv[1])}))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What a program that opens a session found out of it."""
    token = Path(os.environ["RAY_AUTH_TOKEN_PATH"])
    if not token.exists():
        token.write_text("t" * 64)
        token.chmod(0o600)
    path = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    environment = {**{name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}, "PYTHONPATH": path}
    place = str(tmp_path_factory.mktemp("session"))
    done = subprocess.run([sys.executable, "-c", PROGRAM, place], env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_no_process_of_a_private_session_listens_beyond_loopback(told):
    assert told["seen"] >= 9  # gcs, raylet, dashboard, agents, workers
    assert told["open"] == []
    assert told["trained"] == ["meet"]  # two workers of Ray Train met meanwhile


@pytest.mark.slow
def test_workers_meet_on_loopback_and_the_setting_ends_with_the_start(told):
    assert told["settings"] == ["127.0.0.1", "lo"]
    assert told["left"] == []
