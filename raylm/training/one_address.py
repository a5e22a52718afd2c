"""Ray Train's torch workers, meeting on one address of rank 0's machine instead of on all of them."""

import os
from datetime import timedelta
from typing import Any

import ray
from ray.train._internal.utils import get_address_and_port
from ray.train.torch import TorchConfig
from ray.train.torch.config import _set_torch_distributed_env_vars, _TorchBackend

from raylm.training.rendezvous import Address, store


class OneAddress(TorchConfig):
    """`TorchConfig` whose store, which asks nobody for a key, listens on the node's own address: loopback in a private session."""

    @property
    def backend_cls(self) -> type[_TorchBackend]:
        """What Ray Train calls when the workers start and stop."""
        return _Backend


class _Backend(_TorchBackend):
    def on_start(self, worker_group: Any, backend_config: Any) -> None:
        address = worker_group.execute_single(0, get_address_and_port)
        worker_group.execute(_set_torch_distributed_env_vars)
        ray.get([worker_group.execute_single_async(rank, _meet, address, rank, len(worker_group), backend_config)
                 for rank in range(len(worker_group))])


def _meet(address: Address, rank: int, world: int, config: TorchConfig) -> None:
    import torch.distributed as dist

    os.environ.update(MASTER_ADDR=address[0], MASTER_PORT=str(address[1]))
    dist.init_process_group(config.backend, store=store(address, rank, world), rank=rank, world_size=world,
                            timeout=timedelta(seconds=config.timeout_s))
