"""The pairwise loss of a reward model, and how its accuracy is counted.

The probability that answer c is preferred to r is modelled as sigmoid(score(c) - score(r)) (Bradley and Terry 1952, Biometrika
39; for language models Ouyang et al. 2022, arXiv:2203.02155, equation 1, with one comparison for each prompt).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def pairwise_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    """Return the summed -log sigmoid(chosen - rejected) in nats, float32; scores are (pairs,) each."""
    return -F.logsigmoid(chosen.float() - rejected.float()).sum()


def wins(chosen: Tensor, rejected: Tensor) -> Tensor:
    """Return 1 for each pair whose chosen answer scores higher, 0.5 for a tie, else 0; float32 (pairs,)."""
    return ((torch.sign(chosen.float() - rejected.float()) + 1) / 2).float()


def wilson(share: float, count: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the interval of a proportion observed on `count` trials (Wilson 1927, JASA 22); 95 % with the default `z`.

    Unlike the normal approximation it stays inside 0 to 1, and is sensible near both ends and for few trials.
    """
    if count == 0:
        return 0.0, 1.0
    centre = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
