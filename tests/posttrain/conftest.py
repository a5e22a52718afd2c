"""A process group of one for tests of roles, made once: DeepSpeed remembers the first group of a process for ever."""

import os
import socket

import pytest
import torch.distributed as dist


@pytest.fixture(scope="session")
def group_of_one():
    """The environment of rank 0 of 1, with its process group up."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    os.environ.update(environment)
    dist.init_process_group("gloo")
    for name in environment:
        os.environ.pop(name)
    yield environment
    dist.destroy_process_group()
