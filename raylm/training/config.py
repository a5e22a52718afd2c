"""How a network is trained: the keys that every training stage of a recipe has under `train`."""

from typing import Literal, Self

from pydantic import Field, model_validator

from raylm.recipe.section import Section, resource


class TrainConfig(Section):
    """Optimiser, schedule, batch and checkpoints of one training run."""

    steps: int = Field(1000, ge=1)
    """Optimiser steps."""
    batch: int = Field(64, ge=1)
    """Samples (windows, pairs) per step, over all workers and micro-batches together."""
    micro_batch: int = resource(8, ge=1)
    """Most samples that a worker computes at once; the rest of its share is accumulated."""
    learning_rate: float = Field(1e-3, gt=0)
    """Peak learning rate."""
    warmup: int = Field(50, ge=0)
    """Steps of linear warm-up from 0."""
    final_fraction: float = Field(0.1, ge=0, le=1)
    """The cosine decay ends at this fraction of the peak."""
    betas: tuple[float, float] = (0.9, 0.95)
    """AdamW's decay rates of the gradient's mean and square."""
    weight_decay: float = Field(0.1, ge=0)
    """AdamW's decoupled decay; norms are exempt."""
    clip: float = Field(1.0, gt=0)
    """Largest global gradient norm."""
    zero_stage: Literal[0, 1, 2, 3] = resource(3)
    """What DeepSpeed ZeRO shards over the workers: 1 optimiser, 2 and gradients, 3 and parameters. A stopped run keeps its own."""
    precision: Literal["bf16", "fp32"] = "bf16"
    """Type of the forward and backward pass; master weights are float32 in either case."""
    compile: bool = resource(False)
    """Whether `torch.compile` compiles the network: pays off after some hundreds of steps."""
    workers: int = resource(2, ge=1)
    """Ray Train workers; each takes a CPU, or a GPU where there are any. A stopped run goes on with as many as it began."""
    checkpoint_every: int = resource(200, ge=1)
    """Steps between checkpoints: what a crash may cost."""
    evaluate_every: int = Field(200, ge=1)
    """Steps between evaluations on the held-out part."""

    @model_validator(mode="after")
    def _batch_divides(self) -> Self:
        if self.batch % self.workers:
            raise ValueError(f"a batch that divides evenly over {self.workers} workers; {self.batch} does not")
        return self

    def micro(self) -> int:
        """Samples per worker and forward pass: the largest divisor of a worker's share that is at most `micro_batch`."""
        share = self.batch // self.workers
        return next(size for size in range(min(self.micro_batch, share), 0, -1) if share % size == 0)
