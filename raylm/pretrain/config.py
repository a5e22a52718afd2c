"""The `pretrain` section of a recipe."""

from pydantic import Field

from raylm.model.config import ModelConfig
from raylm.recipe.section import Section
from raylm.training.config import TrainConfig


class PretrainConfig(Section):
    """Network, training and measurement of the pretraining stage."""

    model: ModelConfig = ModelConfig()
    """Shape of the network."""
    train: TrainConfig = TrainConfig()
    """Optimiser, schedule, batch and checkpoints; a sample is a window of `length` tokens."""
    length: int = Field(512, ge=16)
    """Tokens per training window; documents are packed and do not see each other."""
    heldout_windows: int = Field(32, ge=1)
    """Held-out windows per source that the loss is measured on."""
    baseline_tokens: int = Field(4_000_000, ge=1000)
    """Most training tokens that the unigram and 5-gram baselines count, so that they fit in memory."""
