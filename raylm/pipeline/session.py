"""The Ray session of a run: the cluster that we are on, or else a private one on this machine, quiet, on loopback, with a token."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from raylm.errors import UserError
from raylm.progress import Board, Meter

OBJECT_STORE = 1_500_000_000
"""Most bytes of shared memory that a private session takes; larger data spills to the disk."""


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
        ray.init(**_options())
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


def _options() -> dict[str, Any]:
    common: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if os.environ.get("RAY_ADDRESS"):
        return common
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    # Two CPUs at least, so that two training workers also fit a one-core machine; they share the core then.
    return common | {"address": "local", "num_cpus": max(2, os.cpu_count() or 1), "include_dashboard": True,
                     "dashboard_host": "127.0.0.1", "object_store_memory": min(OBJECT_STORE, int(memory * 0.2))}


def new_board() -> tuple[Any, Meter]:
    """Start a progress board as an actor; return its handle and a meter for the stage."""
    import ray

    board = ray.remote(num_cpus=0)(Board).remote()
    return board, Meter(board)
