"""Choosing the range that 8 bits are spent on: the widest, or the one that loses least to rounding and clipping together."""

import torch
from torch import Tensor

from raylm.model.int8 import rounded, scale_of

SHRINKS = 24
BINS = 2048


def weight_scales(weight: Tensor, observer: str, bits: int = 8) -> Tensor:
    """Return float32 scales (outputs, 1) of a weight (outputs, inputs), one per output channel.

    `minmax` covers the largest weight; `mse` also tries tighter ranges, down to half, and keeps each channel's best by squared
    error: clipping a lone outlier makes every other step finer.
    """
    widest = scale_of(weight.abs().amax(dim=1, keepdim=True), bits)
    if observer == "minmax":
        return widest
    best, best_error = widest, torch.full_like(widest, torch.inf)
    for shrink in torch.linspace(1.0, 0.5, SHRINKS).tolist():
        error = (rounded(weight, widest * shrink, bits) - weight).square().sum(dim=1, keepdim=True)
        best = torch.where(error < best_error, widest * shrink, best)
        best_error = torch.minimum(error, best_error)
    return best


def range_by_error(histogram: Tensor, largest: float) -> float:
    """Return the range whose rounding loses least, given a histogram of magnitudes.

    Args:
        histogram: (bins,) counts of |x| in equal bins from 0 to `largest`.
        largest: upper end of the last bin.

    Returns:
        A magnitude between `largest`/20 and `largest`.
    """
    if largest <= 0:
        return 0.0
    counts = histogram.double()
    centres = (torch.arange(len(counts), dtype=torch.float64) + 0.5) * (largest / len(counts))
    ranges = torch.linspace(1.0, 0.05, 96, dtype=torch.float64) * largest
    scales = (ranges / 127.5).unsqueeze(1)
    errors = ((rounded(centres.unsqueeze(0), scales) - centres).square() * counts).sum(dim=1)
    return float(ranges[errors.argmin()])
