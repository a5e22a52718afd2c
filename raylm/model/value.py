"""A number for every position of a sequence: the reward model and PPO's critic."""

import torch
from torch import Tensor, nn

from raylm.model.config import ModelConfig
from raylm.model.decoder import Trunk, initialise
from raylm.model.linear import Linear


class Scorer(nn.Module):
    """The decoder's trunk with one linear output; Hugging Face calls this `LlamaForSequenceClassification` with one label."""

    def __init__(self, config: ModelConfig) -> None:
        """Create the network; the head starts at zero, so that a fresh critic predicts 0 everywhere."""
        super().__init__()
        self.config = config
        self.model = Trunk(config)
        self.score = Linear(config.hidden, 1)
        initialise(self.model, config)
        nn.init.zeros_(self.score.weight)

    def forward(self, ids: Tensor, documents: Tensor | None = None) -> Tensor:
        """Return values (batch, sequence) in float32 for ids (batch, sequence)."""
        return self.score(self.model(ids, documents)).squeeze(-1).float()


def at_ends(values: Tensor, lengths: Tensor) -> Tensor:
    """Pick each row's value at its last token: (batch, sequence) and lengths (batch,) to (batch,)."""
    rows = torch.arange(values.shape[0], device=values.device)
    return values[rows, lengths - 1]
