"""From one score per answer to a reward per token: pure functions."""

import torch
from torch import Tensor


def normalised(scores: Tensor, mean: float, deviation: float, ended: Tensor, clip: float, floor: float) -> Tensor:
    """Put raw reward-model scores (batch,) on the scale of true answers: 0 their mean, 1 a standard deviation.

    Answers that did not end get `floor`: the reward model reads its score at an end token, and they have none.
    """
    scaled = ((scores - mean) / max(deviation, 1e-6)).clamp(-clip, clip)
    return torch.where(ended, scaled, floor)


def token_rewards(scores: Tensor, penalties: Tensor, lengths: Tensor, mask: Tensor) -> Tensor:
    """Return (batch, answer) rewards: minus each token's penalty, plus the answer's score at its last token.

    Args:
        scores: (batch,) reward of the whole answer.
        penalties: (batch, answer), what each token costs (the KL coefficient times its divergence).
        lengths: (batch,) tokens per answer, at least 1. The last token is found by this alone: looking for an end or pad id
            would miss answers that were cut.
        mask: bool (batch, answer).
    """
    rewards = torch.where(mask, -penalties, 0.0)
    rows = torch.arange(len(scores), device=scores.device)
    rewards[rows, lengths - 1] += scores
    return torch.where(mask, rewards, 0.0)


def masked_mean(values: Tensor, mask: Tensor) -> float:
    """Return the mean over masked-in places, 0 where there is none."""
    return float(values[mask].double().mean()) if bool(mask.any()) else 0.0
