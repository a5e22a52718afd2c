"""PPO's two losses as pure functions over answer tokens (Schulman et al. 2017, arXiv:1707.06347).

Both return sums, never means: the caller divides by the number of tokens in the whole minibatch, so the result does not depend
on how the rows were spread over workers and micro-batches.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class LossSum:
    """A loss summed over tokens, and what is worth logging about it, summed too."""

    loss: Tensor
    """Scalar with a gradient."""
    clipped: Tensor
    """Tokens whose clipped term was the one that counted."""
    worst: Tensor
    """Largest |ratio - 1| (policy) or |value error| (critic) among the tokens."""


def policy_loss(logprobs: Tensor, old: Tensor, advantages: Tensor, mask: Tensor, clip: float) -> LossSum:
    """PPO's clipped objective, negated.

    Args:
        logprobs: current log-probabilities of the sampled tokens, (batch, answer), with gradient.
        old: the same at the time of sampling, as the actor computed them.
        advantages: (batch, answer).
        mask: bool (batch, answer), true at tokens that the policy chose.
        clip: the ratio counts only within [1 - clip, 1 + clip] where leaving it would pay.
    """
    # Masked places hold padding: a difference of 0 there keeps exp() finite and the gradient out.
    ratio = torch.exp(torch.where(mask, logprobs - old, 0.0))
    plain = -advantages * ratio
    bounded = -advantages * ratio.clamp(1 - clip, 1 + clip)
    chosen = torch.maximum(plain, bounded)
    return LossSum(
        loss=torch.where(mask, chosen, 0.0).sum(),
        clipped=((bounded > plain) & mask).sum(),
        worst=torch.where(mask, (ratio - 1).abs(), 0.0).max().detach(),
    )


def value_loss(values: Tensor, old: Tensor, returns: Tensor, mask: Tensor, clip: float) -> LossSum:
    """Half the squared error of the critic, the larger of the plain and the clipped one.

    Args:
        values: current values, (batch, answer), with gradient.
        old: values when the batch was scored; a new value counts only within `clip` of it.
        returns: what the values should have been, (batch, answer).
        mask: bool (batch, answer).
        clip: in units of the reward.
    """
    plain = (values - returns).square()
    bounded = (old + (values - old).clamp(-clip, clip) - returns).square()
    chosen = torch.maximum(plain, bounded)
    return LossSum(
        loss=torch.where(mask, chosen, 0.0).sum() / 2,
        clipped=((bounded > plain) & mask).sum(),
        worst=torch.where(mask, plain, 0.0).max().detach().sqrt(),
    )
