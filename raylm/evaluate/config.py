"""What a recipe says of the evaluation: how much is read, asked and timed."""

from typing import Literal

from pydantic import Field

from raylm.recipe.section import Section, resource

STAGES = ("pretrain", "sft", "rlhf", "compress")
"""Whose checkpoints are compared, in the order of the table."""


class EvaluateConfig(Section):
    """The bounds of the evaluation. Everything is measured on held-out text, the same for every checkpoint."""

    windows: int = Field(12, ge=1)
    """Held-out documents of each source whose loss is measured, spread evenly over the source."""
    length: int = Field(512, ge=8)
    """Tokens of a document that are read at most; cut to the model's context."""
    prompts: int = Field(32, ge=0)
    """Held-out prompts that are answered with code, for the parse rate; 0 leaves it out."""
    max_new: int = Field(96, ge=1)
    """Tokens of an answer at most. A cut answer seldom parses."""
    timed_prompt: int = Field(64, ge=1)
    """Tokens of the prompts that latency is measured with."""
    timed_new: int = Field(32, ge=2)
    """Tokens generated in each timed round."""
    batch: int = Field(16, ge=2)
    """Prompts at once in the throughput figure; latency and the first throughput figure are taken one prompt at a time."""
    rounds: int = Field(3, ge=1)
    """Timed rounds, in turn over the checkpoints so that a busy moment of the machine falls on all; medians are reported."""
    engine: Literal["auto", "raylm"] = "auto"
    """What reads, answers and is timed: `auto` is vLLM where it is installed, `raylm` our own, plain and at home everywhere."""
    patience: float = resource(900.0, gt=0)
    """Seconds that vLLM may take to score one checkpoint. Longer (a format without a kernel for this processor) is an error, not
    a reason to score with something else: the figures of one recipe must not depend on how busy the machine was."""
