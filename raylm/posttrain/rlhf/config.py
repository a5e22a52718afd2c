"""The rlhf part of a recipe: what a person can choose about PPO, with defaults for a small model on a small machine."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from raylm.recipe.section import Section, resource


class KlConfig(Section):
    """How far the policy may go from the model that it started from."""

    estimator: Literal["k1", "k2", "k3"] = "k1"
    """How KL(policy, reference) is estimated from sampled tokens (Schulman 2020): k1 is unbiased, k2 and k3 vary less."""
    placement: Literal["reward", "loss"] = "reward"
    """`reward`: the penalty is part of each token's reward, as in InstructGPT; `loss`: it is a term of the policy's loss."""
    coefficient: float = Field(0.05, ge=0)
    """Weight of the penalty, in reward units per nat."""
    target: float | None = Field(None, gt=0)
    """Wanted KL in nats per token; the coefficient is then adapted after each iteration. null keeps the coefficient fixed."""
    rate: float = Field(0.5, gt=0, le=1)
    """How strongly one iteration moves the adapted coefficient (at most by a fifth of this share)."""


class RlhfConfig(Section):
    """PPO with a critic, GAE and a KL penalty."""

    iterations: int = Field(16, ge=1)
    """Times the loop goes round: sample, roll out, score, estimate, update, sync."""
    prompts: int = Field(32, ge=1)
    """Prompts, and so answers, per iteration."""
    prompt_tokens: int = Field(96, ge=8)
    """Longest prompt in tokens, the chat's own included; longer ones are left out."""
    max_new: int = Field(64, ge=2)
    """Most tokens of an answer. An answer that reaches it without an end token counts as truncated."""
    temperature: float = Field(1.0, gt=0)
    """Sampling temperature of rollouts; the policy that PPO trains is the tempered one, on both sides."""
    epochs: int = Field(2, ge=1)
    """Passes over each iteration's answers."""
    minibatch: int = Field(16, ge=1)
    """Answers per optimizer step, over all workers."""
    micro_batch: int = Field(8, ge=1)
    """Most answers of one forward pass on one worker."""
    learning_rate: float = Field(3e-5, gt=0)
    """AdamW's step size for the actor."""
    critic_learning_rate: float = Field(1e-4, gt=0)
    """AdamW's step size for the critic; larger, since its head starts from zero."""
    warmup: int = Field(4, ge=0)
    """Optimizer steps over which both step sizes rise to their value; constant afterwards."""
    gradient_clip: float = Field(1.0, gt=0)
    """Largest global norm of a gradient."""
    clip: float = Field(0.2, gt=0, lt=1)
    """PPO's clip range of the probability ratio."""
    value_clip: float = Field(0.2, gt=0)
    """Largest move of a value per iteration before its loss is clipped."""
    estimator: Literal["gae", "reinforce"] = "gae"
    """How advantages are estimated; see `advantages.py`."""
    gamma: float = Field(1.0, gt=0, le=1)
    """Discount per token. 1: an answer's end is worth the same wherever it comes."""
    lam: float = Field(0.95, ge=0, le=1)
    """GAE's lambda: 0 trusts the critic alone, 1 the sampled return alone."""
    kl: KlConfig = KlConfig()
    """The penalty for leaving the reference."""
    rewards: dict[str, float] | None = None
    """Weight by reward name (`model`, `parses`, `ends`, `varied`); null takes `model` and `parses` where prompts ask for
    code, `model`, `ends` and `varied` elsewhere."""
    truncated: Literal["floor", "drop"] = "floor"
    """What an answer without an end token gets. The reward model has never judged one, so `floor` gives its part
    `truncated_score`; `drop` leaves the answer out of the update."""
    truncated_score: float = Field(-1.0, le=0)
    """Normalised reward-model score of a truncated answer (0 is a typical true answer, 1 is one standard deviation)."""
    score_clip: float = Field(3.0, gt=0)
    """Normalised reward-model scores are held within this many standard deviations."""
    calibration: int = Field(64, ge=8)
    """True answers of training prompts that the reward model scores at the start, to normalise by their mean and spread."""
    evaluation: int = Field(64, ge=1)
    """Held-out prompts answered before and after, with the same seeds."""
    drift_limit: float = Field(0.05, gt=0)
    """Largest mean |log-probability difference| between rollout and actor on the same tokens. More means that the two do
    not hold the same model, and the run stops."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Computing type of all roles; master weights are always float32. `auto`: bfloat16 where the device is fast at it."""
    zero_stage: Literal[1, 2, 3] = 3
    """DeepSpeed ZeRO stage of actor and critic."""
    checkpoint_every: int = Field(4, ge=1)
    """Iterations between saved states."""
    actor_workers: int = resource(1, ge=1)
    """Processes that share the actor's training."""
    critic_workers: int = resource(1, ge=1)
    """Processes that share the critic's training."""
    rollout_workers: int = resource(2, ge=1)
    """Processes that generate answers. They change no answer: each chunk of prompts has its own seed."""
    rollout_batch: int = Field(16, ge=1)
    """Prompts per generated batch; part of what is made, since a batch shares one random stream."""
    cpus_per_worker: float = resource(0.2, gt=0)
    """Logical CPUs that Ray reserves per process; low, since roles mostly wait for each other."""
    restarts: int = resource(2, ge=0)
    """Times that all workers are rebuilt from the last saved state after one of them died."""

    @model_validator(mode="after")
    def _minibatches_fit(self) -> "RlhfConfig":
        if self.prompts % self.minibatch:
            raise ValueError(f"prompts ({self.prompts}) must be a multiple of minibatch ({self.minibatch})")
        for key in ("actor_workers", "critic_workers"):
            if self.minibatch % getattr(self, key):
                raise ValueError(f"{key} ({getattr(self, key)}) must divide minibatch ({self.minibatch})")
        return self

    @field_validator("rewards")
    @classmethod
    def _known_rewards(cls, rewards: dict[str, float] | None) -> dict[str, float] | None:
        from raylm.posttrain.rlhf.rewards import CHECKS, MODEL  # here, so that `raylm --help` does not wait for it

        known = [MODEL, *sorted(CHECKS)]
        if rewards is not None and (not set(rewards) <= set(known) or not any(rewards.values())):
            raise ValueError(f"weights, not all 0, by the names {', '.join(known)}")
        return rewards
