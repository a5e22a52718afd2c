"""What fine-tuning trains: the pretrained decoder on packed conversations, with loss on the answers."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from raylm.model.hf_io import load_config, load_decoder, save_checkpoint
from raylm.posttrain.pairs.chat import IGNORED
from raylm.posttrain.pairs.order import Order
from raylm.posttrain.pairs.shares import shares
from raylm.posttrain.sft.windows import Windows
from raylm.storage import Folder
from raylm.training.task import Task


@dataclass
class SftTask(Task):
    """Fine-tuning of a checkpoint."""

    checkpoint: Folder
    """The decoder to start from."""
    tokenizer: Folder
    windows: Folder
    directions: tuple[str, ...]
    evaluation: int
    """Most held-out windows per direction and evaluation."""
    evaluation_batch: int
    seed: int

    def model(self) -> nn.Module:
        """Return the pretrained decoder."""
        return load_decoder(self.checkpoint.local(), torch.float32)

    @cached_property
    def _train(self) -> tuple[Windows, Order]:
        windows = Windows(self.windows.local(), "train")
        return windows, Order(len(windows), self.seed)

    def batch(self, first: int, count: int) -> dict[str, Tensor]:
        """Return windows as `ids`, `labels` and `documents`, each (count, length)."""
        windows, order = self._train
        return windows.batch(order.items(first, count))

    def count(self, batch: dict[str, Tensor]) -> int:
        """Return the number of answer tokens."""
        return int((batch["labels"] != IGNORED).sum())

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """Return the summed cross entropy of the answers' tokens, in nats."""
        total: Tensor = model(batch["ids"], batch["documents"], batch["labels"])
        return total

    def evaluate(self, model: nn.Module, rank: int, world: int) -> dict[str, tuple[float, float]]:
        """Return the held-out loss in nats per answer token, for each direction and for all (`heldout_loss`)."""
        device = next(model.parameters()).device
        figures = {}
        for direction in self.directions:
            windows = Windows(self.windows.local(), f"heldout-{direction}")
            total = targets = 0.0
            for indices, real in shares(min(self.evaluation, len(windows)), rank, world, self.evaluation_batch):
                batch = windows.batch(indices)
                batch["labels"][real:] = IGNORED
                on_device = {name: tensor.to(device) for name, tensor in batch.items()}
                total += float(self.loss(model, on_device))
                targets += self.count(batch)
            figures[f"heldout_loss_{direction}"] = (total, targets)
        sums = np.array(list(figures.values())).sum(axis=0)
        return {**figures, "heldout_loss": (float(sums[0]), float(sums[1]))}

    def export(self, state: dict[str, Tensor], folder: Path) -> None:
        """Write the fine-tuned checkpoint with tokenizer and chat template."""
        save_checkpoint(state, load_config(self.checkpoint.local()), folder, self.tokenizer.local())
