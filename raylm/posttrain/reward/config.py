"""The reward part of a recipe."""

from pydantic import Field

from raylm.recipe.section import Section
from raylm.training.config import TrainConfig


class RewardConfig(Section):
    """The reward model and its preferences."""

    limit: int = Field(50_000, ge=1)
    """Most pairs of the sft stage that preferences are made of, one for each direction; the lowest content hashes are kept."""
    near: float = Field(0.5, ge=0, le=1)
    """Share of the wrong answers that come from the right one's own file where it has another pair. These are the hard ones;
    the rest are of similar length, from any file."""
    length: int = Field(192, ge=32)
    """Most tokens of a prompt with its answer; preferences with a longer one are left out. At most the model's context."""
    evaluation: int = Field(512, ge=2)
    """Most held-out preferences that an evaluation scores."""
    train: TrainConfig = TrainConfig(steps=250, batch=32, micro_batch=16, learning_rate=2e-4, warmup=20, evaluate_every=125)
    """The training run; a sample is a preference, which is two sequences."""
