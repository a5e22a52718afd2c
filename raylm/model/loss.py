"""Cross entropy over tokens, as sums with their counts, so that whoever averages does so once and over everything."""

import torch
import torch.nn.functional as F
from torch import Tensor


def token_loss(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the summed cross entropy in nats and the number of labels that are not -100.

    Args:
        logits: (positions, vocabulary), any float type; the loss is computed in float32.
        labels: (positions,) int64, -100 where nothing is to be predicted.
    """
    total = F.cross_entropy(logits.float(), labels, ignore_index=-100, reduction="sum")
    return total, (labels != -100).sum()


def logprobs(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the log-probability of each label: (..., vocabulary) and (...) to (...), float32; 0 where the label is -100."""
    scores = torch.log_softmax(logits.float(), dim=-1)
    picked = scores.gather(-1, labels.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    return picked.masked_fill(labels == -100, 0.0)
