"""A task as small as DeepSpeed takes, whose batches can be told to go wrong."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from raylm.errors import UserError
from raylm.training.task import Task


class Line(nn.Module):
    """A regression; its loss is the summed squared error."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 1)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (self.layer(x).squeeze(-1) - y).float().square().sum()


@dataclass
class Toy(Task):
    """Samples are drawn from their own number. One of them can kill its worker (once), be a mistake, or have no number."""

    notes: Path
    """A folder for what must outlive a worker."""
    kills: int = -1
    mistake: int = -1
    endless: int = -1

    def model(self) -> nn.Module:
        return Line()

    def batch(self, first: int, count: int) -> dict[str, torch.Tensor]:
        samples = range(first, first + count)
        if self.mistake in samples:
            self._note("mistake")
            raise UserError("source 'a' has 12 tokens, too few for one window of 16")
        if self.kills in samples and not (self.notes / "killed").exists():
            self._note("killed")
            os.kill(os.getpid(), signal.SIGKILL)
        x = torch.stack([torch.randn(4, generator=torch.Generator().manual_seed(sample)) for sample in samples])
        y = x.sum(dim=1)
        if self.endless in samples:
            self._note("endless")
            y = y * float("nan")
        return {"x": x, "y": y}

    def count(self, batch: dict[str, torch.Tensor]) -> int:
        return len(batch["y"])

    def loss(self, model: nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        return model(batch["x"], batch["y"])

    def export(self, state: dict[str, torch.Tensor], folder: Path) -> None:
        folder.mkdir(parents=True)
        torch.save(state, folder / "state.pt")

    def _note(self, what: str) -> None:
        with (self.notes / what).open("a") as file:
            file.write("once\n")
