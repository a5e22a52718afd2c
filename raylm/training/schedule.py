"""Learning-rate schedules as pure functions of the step."""

import math


def warmup_cosine(step: int, steps: int, peak: float, warmup: int, final_fraction: float) -> float:
    """Return the learning rate of a step (counted from 0): linear warm-up, then a cosine (Loshchilov and Hutter 2017,
    arXiv:1608.03983) that reaches `final_fraction * peak` at the last step.
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - 1 - warmup)
    cosine = 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    return peak * (final_fraction + (1 - final_fraction) * cosine)
