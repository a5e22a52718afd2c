"""Processes for roles: one generic group of Ray actors around any plain class, and the placement that they share.

Rank r of every role sits in slot r of one placement group and takes a fraction of it, so that roles, which mostly wait for each
other, share cores and GPUs instead of dividing them. A group whose role trains gets a torch process group of its own.
"""

import socket
from collections.abc import Callable, Sequence
from typing import Any

import ray
from ray.util.placement_group import PlacementGroup
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from raylm.errors import UserError
from raylm.posttrain.rlhf.config import RlhfConfig
from raylm.training.rendezvous import LOOPBACK, Address, join

SILENCE = 5.0
"""Seconds to wait for the answers of processes of which one may have died."""


def workers_of(config: RlhfConfig) -> dict[str, int]:
    """Return how many processes each role has."""
    return {"controller": 1, "actor": config.actor_workers, "critic": config.critic_workers, "reference": 1, "reward": 1,
            "rollout": config.rollout_workers}


def bundles(workers: dict[str, int], cpus: float, gpus: float) -> list[dict[str, float]]:
    """Return the resources of each slot: `cpus` for every role that has a rank there, and a GPU if the cluster has any.

    Raises:
        UserError: the cluster has GPUs, but fewer than slots.
    """
    slots = max(workers.values())
    if 0 < gpus < slots:
        raise UserError(f"rlhf: {slots} workers of one role need as many GPUs, the cluster has {gpus:g}; "
                        "allowed: fewer actor_workers, critic_workers, rollout_workers")
    roles = [sum(count > slot for count in workers.values()) for slot in range(slots)]
    return [{"CPU": round(cpus * held, 4), **({"GPU": 1.0} if gpus else {})} for held in roles]


class RoleWorker:
    """The process around one rank of a role. Knows nothing of what the role does."""

    def __init__(self) -> None:
        """Keep to one thread: the machine's cores are shared by all roles."""
        import torch

        if not torch.cuda.is_available():
            torch.set_num_threads(1)
        self.role: Any = None

    def address(self) -> Address:
        """Return this node's address and a free port, for rank 0 of a process group to listen on."""
        with socket.socket() as probe:
            probe.bind(("", 0))
            return ray.util.get_node_ip_address(), probe.getsockname()[1]

    def build(self, factory: Callable[[], Any], rank: int, world: int, address: Address | None) -> None:
        """Create the role; with an `address` its process group is brought up first."""
        if address is not None:
            join(address, rank, world)
        self.role = factory()

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the role."""
        return getattr(self.role, method)(*arguments)


class WorkerGroup:
    """All ranks of one role."""

    def __init__(self, factory: Callable[[], Any], workers: int, placement: PlacementGroup, cpus: float, *,
                 collective: bool = False) -> None:
        """Start the processes; `start` creates the role in them.

        Args:
            factory: makes the role in the worker's process; picklable.
            workers: how many; rank r goes into slot r.
            placement: the slots.
            cpus: CPUs to reserve for each.
            collective: whether the ranks need a torch process group.
        """
        self.factory, self.collective = factory, collective
        remote: Any = ray.remote(RoleWorker)
        shares = [_gpu_share(bundle, cpus) for bundle in placement.bundle_specs]
        self.members = [remote.options(
            num_cpus=cpus, num_gpus=shares[rank], max_restarts=0,
            scheduling_strategy=PlacementGroupSchedulingStrategy(placement, placement_group_bundle_index=rank),
        ).remote() for rank in range(workers)]

    def start(self) -> list[Any]:
        """Create the role on every rank; returns references to wait for."""
        address: Address | None = None
        if self.collective:
            places = ray.get([member.address.remote() for member in self.members])
            one_node = len({ip for ip, _ in places}) == 1
            address = (LOOPBACK if one_node else places[0][0], places[0][1])
        return [member.build.remote(self.factory, rank, len(self.members), address)
                for rank, member in enumerate(self.members)]

    def call(self, method: str, *arguments: Any) -> list[Any]:
        """Call a method on every rank with the same arguments; returns one reference per rank."""
        return [member.call.remote(method, *arguments) for member in self.members]

    def scatter(self, method: str, shares: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Call a method with `shares[i]` as its arguments on rank i, round robin where there are more shares than ranks."""
        return [self.members[index % len(self.members)].call.remote(method, *share) for index, share in enumerate(shares)]

    def broken(self) -> bool:
        """Whether a process has died. One that only works on something else does not count."""
        asked = [member.address.remote() for member in self.members]
        done, _ = ray.wait(asked, num_returns=len(asked), timeout=SILENCE)
        try:
            ray.get(done)
        except ray.exceptions.RayActorError:
            return True
        return False

    def close(self) -> None:
        """End the processes."""
        for member in self.members:
            ray.kill(member)


def _gpu_share(bundle: dict[str, float], cpus: float) -> float:
    """The part of a slot's GPU that one of its roles takes: CPUs say how many share it. Rounded down, as Ray wants 4 digits."""
    roles = max(1, round(bundle.get("CPU", cpus) / cpus))
    return int(10_000 * bundle.get("GPU", 0.0) / roles) / 10_000
