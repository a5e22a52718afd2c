"""What pretraining trains: a decoder on packed windows, measured on held-out windows of every source."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from raylm.model.config import ModelConfig
from raylm.model.decoder import Decoder
from raylm.model.hf_io import save_checkpoint
from raylm.storage import Folder
from raylm.tokenizer.shards import TokenShards
from raylm.training.engine import to_device
from raylm.training.feed import Feed
from raylm.training.heldout import heldout_windows
from raylm.training.task import Task


@dataclass
class PretrainTask(Task):
    """Next-token prediction on the mixture."""

    shape: ModelConfig
    tokens: Folder
    """The tokenize artifact."""
    weights: dict[str, float]
    length: int
    seed: int
    heldout: int
    """Windows per source."""
    micro: int
    """Windows per forward pass in evaluation."""
    _feed: Feed | None = field(default=None, repr=False)

    def model(self) -> nn.Module:
        """Return a fresh decoder."""
        return Decoder(self.shape)

    def feed(self) -> Feed:
        """Return the training windows; opened on first use, since memory maps do not travel."""
        if self._feed is None:
            self._feed = Feed(TokenShards.open(self.tokens.local()), self.weights, self.length, self.seed)
        return self._feed

    def batch(self, first: int, count: int) -> dict[str, Tensor]:
        """Return `count` windows: ids, documents, labels, each (count, length)."""
        return self.feed().batch(first, count)

    def count(self, batch: dict[str, Tensor]) -> int:
        """Return the number of predicted tokens."""
        return int((batch["labels"] != -100).sum())

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """Return the summed cross entropy in nats."""
        total: Tensor = model(batch["ids"], batch["documents"], batch["labels"])
        return total

    def evaluate(self, model: nn.Module, rank: int, world: int) -> dict[str, tuple[float, float]]:
        """Return the held-out loss per token, overall (`heldout_loss`) and per source (`heldout_loss/NAME`)."""
        shards = TokenShards.open(self.tokens.local())
        sums: dict[str, tuple[float, float]] = {}
        whole = [0.0, 0.0]
        for source in sorted(shards.index["sources"]):
            batch = heldout_windows(shards, source, self.length, self.heldout)
            if batch is None:
                continue
            # Every worker takes part in every forward pass, as ZeRO-3 demands: rows are dealt out, short ones get masked rows.
            own = _dealt(batch, rank, world)
            total = 0.0
            for start in range(0, len(own["ids"]), self.micro):
                part = to_device({name: tensor[start:start + self.micro] for name, tensor in own.items()})
                total += float(self.loss(model, part))
            count = float(self.count(own))
            sums[f"heldout_loss/{source}"] = (total, count)
            whole = [whole[0] + total, whole[1] + count]
        return {"heldout_loss": (whole[0], whole[1]), **sums}

    def export(self, state: dict[str, Tensor], folder: Path) -> None:
        """Write the Hugging Face checkpoint with the tokenizer beside it."""
        save_checkpoint(state, self.shape, folder, self.tokens.child("tokenizer").local())


def _dealt(batch: dict[str, Tensor], rank: int, world: int) -> dict[str, Tensor]:
    missing = -len(batch["ids"]) % world
    if missing:
        batch = {name: torch.cat([tensor, tensor[:1].expand(missing, -1)]) for name, tensor in batch.items()}
        batch["labels"] = batch["labels"].clone()
        batch["labels"][-missing:] = -100
    return {name: tensor[rank::world] for name, tensor in batch.items()}
