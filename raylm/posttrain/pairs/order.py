"""The order in which samples are trained on: each epoch a new shuffle, as a pure function of (seed, sample)."""

import numpy as np
from numpy.typing import NDArray


class Order:
    """An endless order over `size` items; any stretch of it can be asked for, so a resumed run goes on exactly."""

    def __init__(self, size: int, seed: int) -> None:
        """Prepare the order; `size` is at least 1."""
        self.size, self.seed = size, seed
        self._epochs: dict[int, NDArray[np.int64]] = {}

    def items(self, first: int, count: int) -> NDArray[np.int64]:
        """Return the items of samples `first` to `first + count`."""
        samples = np.arange(first, first + count)
        return np.array([self._epoch(int(s) // self.size)[s % self.size] for s in samples], np.int64)

    def _epoch(self, number: int) -> NDArray[np.int64]:
        if number not in self._epochs:
            shuffled = np.random.default_rng([self.seed, number]).permutation(self.size)
            self._epochs = {k: v for k, v in self._epochs.items() if k == number - 1} | {number: shuffled}
        return self._epochs[number]
