"""The Ray session of a run: the cluster that we are on, or else a private one on this machine, quiet, on loopback, with a token."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from raylm.errors import UserError
from raylm.progress import Board, Meter

OBJECT_STORE = 1_500_000_000
"""Most bytes of shared memory that a private session takes; larger data spills to the disk."""
ONE_MACHINE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Ray's word for "no cluster: every server on 127.0.0.1", which is its default off Linux."""
LOOPBACK = {"GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo", "VLLM_HOST_IP": "127.0.0.1"}
"""The same for what moves tensors between the session's processes; what the user has set stays."""
WARM = {"RAY_idle_worker_killing_time_threshold_ms": "30000"}
"""How long a worker waits for its next task: steps take turns for longer than Ray's one second, and its imports take two."""


@contextmanager
def session() -> Iterator[None]:
    """Connect to Ray for the length of a block. Inside a Ray job, or with RAY_ADDRESS set, that is the existing cluster.

    Raises:
        UserError: RAY_ADDRESS names a cluster that does not answer, its token is missing, or Ray cannot start here.
    """
    import ray

    from raylm.pipeline.quiet import quiet_ray

    quiet_ray()
    if ray.is_initialized():
        yield
        return
    # Ray Train learns of a worker's checkpoint only when it polls: what was reported less than this before a crash is lost.
    os.environ.setdefault("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.5")
    # PPO's roles are more processes than cores: let them start together, without a warning for it.
    os.environ.setdefault("RAY_worker_maximum_startup_concurrency", "4")
    _start()
    quiet_ray()
    try:
        yield
    finally:
        ray.shutdown()


def _start() -> None:
    import ray

    address = os.environ.get("RAY_ADDRESS")
    try:
        if address:
            ray.init(**_options())
        else:
            start_private(**_options())
    except ConnectionError as error:
        raise UserError(f"RAY_ADDRESS={address}: no Ray cluster answers there ({error})") from None
    except ray.exceptions.AuthenticationError as error:
        raise UserError(f"Ray's token: {str(error).split('. ')[0]}; `ray get-auth-token --generate` makes one") from None
    except Exception as error:
        # Ray gives its own processes 30 s; it raises a bare Exception then.
        if type(error) is not Exception:
            raise
        raise UserError(f"Ray did not start on this machine: {str(error).splitlines()[0]} "
                        "(too busy, or too little memory? `raylm doctor` looks)") from None


def start_private(**options: Any) -> None:
    """Start a Ray of this machine's own, with these options of `ray.init`; its servers listen on loopback only.

    `ray.init(_node_ip_address="127.0.0.1")` would not do: Ray replaces that by an address that other machines reach.
    """
    import ray
    from ray._private import ray_constants

    # Ray reads its setting for this process when it is imported, which may be long ago.
    enabled, ray_constants.ENABLE_RAY_CLUSTER = ray_constants.ENABLE_RAY_CLUSTER, False
    try:
        meeting = LOOPBACK if Path("/sys/class/net/lo").is_dir() else {}  # not in every container
        wished = {name: os.environ.get(name, value) for name, value in (meeting | WARM).items()}
        with _inherited(wished | ONE_MACHINE):
            ray.init(address="local", **options)
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = enabled


@contextmanager
def _inherited(settings: dict[str, str]) -> Iterator[None]:
    """Let the processes that start within the block inherit these settings, and no later ones (of another session)."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _options() -> dict[str, Any]:
    common: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if os.environ.get("RAY_ADDRESS"):
        return common
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    # Two CPUs at least, so that two training workers also fit a one-core machine; they share the core then.
    return common | {"num_cpus": max(2, os.cpu_count() or 1), "include_dashboard": True,
                     "dashboard_host": "127.0.0.1", "object_store_memory": min(OBJECT_STORE, int(memory * 0.2))}


def new_board() -> tuple[Any, Meter]:
    """Start a progress board as an actor; return its handle and a meter for the stage."""
    import ray

    board = ray.remote(num_cpus=0)(Board).remote()
    return board, Meter(board)
