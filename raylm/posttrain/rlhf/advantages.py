"""Advantage estimators: pure functions from rewards and values per answer token to advantages and returns.

Each is registered under the name that a recipe uses. Masks may have holes (a tool's output in the middle of an answer): a
masked token is skipped, as if the tokens around it were neighbours. Compared in the tests with a plain loop.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Estimator = Callable[[Tensor, Tensor, Tensor, float, float], tuple[Tensor, Tensor]]
"""(rewards, values, mask, gamma, lam), tensors of (batch, answer), to (advantages, returns) of the same shape."""

ESTIMATORS: dict[str, Estimator] = {}


def estimator(name: str) -> Callable[[Estimator], Estimator]:
    """Register an estimator under `name`."""

    def register(function: Estimator) -> Estimator:
        ESTIMATORS[name] = function
        return function

    return register


@estimator("gae")
def gae(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float, lam: float) -> tuple[Tensor, Tensor]:
    """Generalised advantage estimation (Schulman et al. 2016, arXiv:1506.02438).

    Args:
        rewards: float (batch, answer), the reward for choosing token t.
        values: float (batch, answer), the critic's value of the state before token t.
        mask: bool (batch, answer), true at tokens that the policy chose.
        gamma: discount per token.
        lam: weight of longer returns, 0 to 1.

    Returns:
        Advantages and returns (advantage + value), both zero where masked. The value after the last token is 0.
    """
    advantages = torch.zeros_like(rewards)
    following = torch.zeros_like(rewards[:, 0])
    carried = torch.zeros_like(following)
    for t in reversed(range(rewards.shape[1])):
        chosen = mask[:, t]
        error = rewards[:, t] + gamma * following - values[:, t]
        carried = torch.where(chosen, error + gamma * lam * carried, carried)
        following = torch.where(chosen, values[:, t], following)
        advantages[:, t] = torch.where(chosen, carried, 0.0)
    return advantages, torch.where(mask, advantages + values, 0.0)


@estimator("reinforce")
def reinforce(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float, lam: float) -> tuple[Tensor, Tensor]:
    """Discounted reward to go, without a baseline (Williams 1992); whitening gives it the batch's mean as one.

    Takes and returns what `gae` does; `values` and `lam` are not used.
    """
    returns, _ = gae(rewards, torch.zeros_like(values), mask, gamma, 1.0)
    return returns, returns


def whiten(values: Tensor, mask: Tensor) -> Tensor:
    """Shift and scale (batch, answer) values to mean 0 and deviation 1 over the masked-in tokens of the whole batch.

    Fewer than two tokens, or equal values, give zeros. Masked-out places are zero.
    """
    count = int(mask.sum())
    if count < 2:
        return torch.zeros_like(values)
    chosen = values[mask]
    spread = chosen.var(unbiased=True)
    return torch.where(mask, (values - chosen.mean()) * torch.rsqrt(spread + 1e-8), 0.0)
