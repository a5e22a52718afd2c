"""Estimates of KL(policy, reference) from sampled tokens, and the controller of its coefficient.

Three estimators of the same quantity (Schulman 2020, "Approximating KL divergence"); where the estimate goes, into the reward
or into the loss, is a separate choice, since the two have different gradients. Checked against exact expectations in the tests.
"""

import torch
from torch import Tensor


def kl_estimate(logprobs: Tensor, reference: Tensor, estimator: str) -> Tensor:
    """Estimate the divergence at each token.

    Args:
        logprobs: the policy's log-probability of each sampled token, any shape.
        reference: the reference's, same shape.
        estimator: `k1` log(p/q): unbiased, either sign; `k2` log(p/q)^2 / 2: biased, never negative, and its *gradient* in
            a loss is that of the divergence; `k3` q/p - 1 + log(p/q): unbiased, never negative, but its gradient in a loss is
            that of the opposite divergence, KL(reference, policy).

    Returns:
        Nats per token, of the same shape.
    """
    ratio = logprobs - reference
    if estimator == "k1":
        return ratio
    if estimator == "k2":
        return ratio.square() / 2
    if estimator == "k3":
        return torch.expm1(-ratio) + ratio
    raise ValueError(f"unknown KL estimator {estimator!r}; known: k1, k2, k3")


def adapted_coefficient(coefficient: float, kl: float, target: float | None, rate: float) -> float:
    """Move the KL coefficient towards what keeps `kl` (nats per token) at `target` (Ziegler et al. 2019, arXiv:1909.08593).

    The relative error is held within a fifth, so one odd batch cannot move it far. Without a target it stays.
    """
    if target is None:
        return coefficient
    error = min(max(kl / target - 1.0, -0.2), 0.2)
    return coefficient * (1.0 + rate * error)
