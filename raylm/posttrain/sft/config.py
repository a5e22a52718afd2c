"""The sft part of a recipe."""

from pydantic import Field

from raylm.posttrain.pairs.config import PairsConfig
from raylm.recipe.section import Section
from raylm.training.config import TrainConfig


class SftConfig(Section):
    """Supervised fine-tuning."""

    pairs: PairsConfig = PairsConfig()
    """The instruction pairs; the reward and rlhf stages take theirs from the same table."""
    length: int = Field(256, ge=32)
    """Tokens of a training window. Conversations are packed into it whole, longer ones are left out; at most the
    model's context."""
    evaluation: int = Field(64, ge=1)
    """Most held-out windows per direction that an evaluation reads."""
    examples: int = Field(3, ge=0)
    """Held-out prompts per direction whose answers, before and after, are kept for the report."""
    max_new: int = Field(80, ge=1)
    """Most tokens of such an answer."""
    train: TrainConfig = TrainConfig(steps=300, batch=32, learning_rate=5e-4, warmup=20, evaluate_every=100)
    """The training run. The peak learning rate is below that of pretraining, whose result is to be kept."""
