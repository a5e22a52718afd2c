"""Bringing up a torch process group whose meeting point listens on one address only.

The store in which the ranks find each other asks nobody for a key. Torch, left to itself (`env://`), opens it on all of a
machine's addresses; here rank 0 opens the socket and torch is given it.
"""

import errno
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch.distributed as dist

Address = tuple[str, int]
LOOPBACK = "127.0.0.1"


def join(address: Address, rank: int, world: int) -> None:
    """Make this process rank `rank` of a group of `world`, and announce that in the environment, where DeepSpeed reads it.

    Args:
        address: host and port of the meeting point; the host is an address of rank 0's machine.
        rank: of this process. All ranks must call this at the same time.
        world: number of processes.
    """
    import torch
    import torch.distributed as dist

    from raylm.device import backend, device

    # Ray shows each process its own GPU alone, which is then the first one.
    local = 0 if torch.cuda.is_available() else rank
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(world), LOCAL_RANK=str(local), MASTER_ADDR=address[0],
                      MASTER_PORT=str(address[1]))
    if address[0] == LOOPBACK and Path("/sys/class/net/lo").is_dir():
        os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    # As DeepSpeed itself would: a named GPU makes later groups split from this one, which one rank alone has no peer for.
    gpu = device() if torch.cuda.is_available() and world > 1 else None
    dist.init_process_group(backend(), store=store(address, rank, world), rank=rank, world_size=world, device_id=gpu)


def store(address: Address, rank: int, world: int) -> "dist.TCPStore":
    """Return the group's store: rank 0 holds it and listens at `address` alone, the others connect to it."""
    import torch.distributed as dist

    if rank:
        return dist.TCPStore(*address, world, is_master=False)
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    try:
        listening = socket.create_server(address, family=family)
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        # A node that others reach through address translation has none of its own of that name.
        listening = socket.create_server(("", address[1]), family=family)
    # Torch closes the socket with the store; it must not wait here, the others may not have started yet.
    return dist.TCPStore(*address, world, is_master=True, wait_for_workers=False, master_listen_fd=listening.detach())
