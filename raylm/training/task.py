"""What is trained: the part of a training run that differs between pretraining, fine-tuning and the reward model.

A task is a small picklable object that Ray Train sends to every worker. Sample `i` is the same sample on any number of workers,
so what is trained on does not depend on their number; a stopped run goes on with the number that it began with, though, since
its checkpoints are cut into that many parts (`checkpoints.py`).
"""

from abc import ABC, abstractmethod
from pathlib import Path

from torch import Tensor, nn


class Task(ABC):
    """A network, an endless deterministic order of samples, a loss, and what to measure on the held-out part."""

    @abstractmethod
    def model(self) -> nn.Module:
        """Return the network to start from: float32, on the CPU. torch's seed is set, so that every worker builds the same."""

    @abstractmethod
    def batch(self, first: int, count: int) -> dict[str, Tensor]:
        """Return samples `first` to `first + count` of the global order, batch dimension first, on the CPU."""

    @abstractmethod
    def count(self, batch: dict[str, Tensor]) -> int:
        """Return the number of targets in a batch: what the summed loss is divided by."""

    @abstractmethod
    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """Return the loss SUMMED over the batch's targets, float32, with one call of `model`."""

    def evaluate(self, model: nn.Module, rank: int, world: int) -> dict[str, tuple[float, float]]:
        """Return for each figure a (sum, count) over this worker's part of the held-out samples.

        The loop adds them up over the workers and divides. Under ZeRO-3 every worker must call `model` equally often.
        """
        return {}

    @abstractmethod
    def export(self, state: dict[str, Tensor], folder: Path) -> None:
        """Write the trained network (full float tensors by name) into a new folder, as a Hugging Face checkpoint."""
