"""What the reward stage trains: the fine-tuned decoder's trunk with a score, on preferences."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from raylm.model.hf_io import load_config, load_state, save_checkpoint
from raylm.model.value import Scorer, at_ends
from raylm.posttrain.pairs.order import Order
from raylm.posttrain.pairs.shares import shares
from raylm.posttrain.reward.loss import pairwise_loss, wins
from raylm.posttrain.reward.table import Preferences
from raylm.storage import Folder
from raylm.training.task import Task


@dataclass
class RewardTask(Task):
    """Training of a reward model from a fine-tuned checkpoint."""

    checkpoint: Folder
    tokenizer: Folder
    preferences: Folder
    pad: int
    directions: tuple[str, ...]
    evaluation: int
    """Most held-out preferences of an evaluation."""
    evaluation_batch: int
    seed: int

    def model(self) -> nn.Module:
        """Return the scorer: the decoder's trunk, and a head of zeros, so that training starts at ln 2."""
        folder = self.checkpoint.local()
        scorer = Scorer(load_config(folder))
        state = load_state(folder)
        scorer.model.load_state_dict({name.removeprefix("model."): state[name] for name in state if name.startswith("model.")})
        return scorer.float()

    @cached_property
    def _train(self) -> tuple[Preferences, Order]:
        preferences = Preferences(self.preferences.local(), "train", self.pad)
        return preferences, Order(len(preferences), self.seed)

    def batch(self, first: int, count: int) -> dict[str, Tensor]:
        """Return preferences as `ids` (count, 2, longest), `lengths` (count, 2) and `direction` (count,)."""
        preferences, order = self._train
        return preferences.batch(order.items(first, count))

    def count(self, batch: dict[str, Tensor]) -> int:
        """Return the number of preferences."""
        return len(batch["lengths"])

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """Return the summed pairwise loss."""
        return pairwise_loss(*self.scores(model, batch))

    def scores(self, model: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the scores of the chosen and the rejected answers, (count,) each, read at each sequence's last token."""
        values = model(batch["ids"].flatten(0, 1))
        chosen, rejected = at_ends(values, batch["lengths"].flatten()).view(-1, 2).unbind(dim=1)
        return chosen, rejected

    def evaluate(self, model: nn.Module, rank: int, world: int) -> dict[str, tuple[float, float]]:
        """Return the held-out pairwise loss and accuracy, the latter for each direction too (ties count half), and
        how many were scored.
        """
        device = next(model.parameters()).device
        heldout = Preferences(self.preferences.local(), "heldout", self.pad)
        # Spread over all partitions: the first ones alone would be the preferences of a few files.
        chosen_items = np.linspace(0, len(heldout) - 1, min(self.evaluation, len(heldout))).astype(np.int64)
        names = ["heldout_loss", "accuracy", *(f"accuracy_{direction}" for direction in self.directions)]
        sums = {name: [0.0, 0.0] for name in names}
        for indices, real in shares(len(chosen_items), rank, world, self.evaluation_batch):
            batch = {name: tensor.to(device) for name, tensor in heldout.batch(chosen_items[indices]).items()}
            chosen, rejected = (scores[:real] for scores in self.scores(model, batch))
            won, direction = wins(chosen, rejected), batch["direction"][:real]
            _add(sums["heldout_loss"], float(pairwise_loss(chosen, rejected)), real)
            _add(sums["accuracy"], float(won.sum()), real)
            for number, name in enumerate(self.directions):
                mine = direction == number
                _add(sums[f"accuracy_{name}"], float(won[mine].sum()), int(mine.sum()))
        figures = {name: (total, count) for name, (total, count) in sums.items()}
        # The loop divides what it added up over the workers; 1/world each gives the plain number.
        return figures | {name.replace("accuracy", "scored"): (count, 1 / world)
                          for name, (_, count) in sums.items() if name.startswith("accuracy")}

    def export(self, state: dict[str, Tensor], folder: Path) -> None:
        """Write the reward model as `LlamaForSequenceClassification` with one label."""
        save_checkpoint(state, load_config(self.checkpoint.local()), folder, self.tokenizer.local(), scorer=True)


def _add(entry: list[float], total: float, count: int) -> None:
    entry[0] += total
    entry[1] += count
