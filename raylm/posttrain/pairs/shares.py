"""Splitting held-out samples over workers that must all make equally many calls of a sharded network."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def shares(size: int, rank: int, world: int, batch: int) -> Iterator[tuple[NDArray[np.int64], int]]:
    """Yield this worker's batches of the items 0 to `size`: `batch` indices, and how many of them are real.

    Every worker gets the same number of batches; those after the real ones repeat an item and must not count.
    """
    mine = np.arange(rank, size, world)
    rounds = -(-size // (world * batch))
    for number in range(rounds):
        chosen = mine[number * batch:(number + 1) * batch]
        filler = np.zeros(batch - len(chosen), np.int64)
        yield np.concatenate([chosen, filler]), len(chosen)
