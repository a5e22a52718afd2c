"""From fitted laws to weights: the mixes with the lowest predicted target loss, held to the natural mix by a KL penalty.

Candidates are drawn in rounds, each around the mean of the best so far; the last round's best are averaged. With convex laws
the average is at least as good as predicted for its parts, and it does not stand on one lucky corner of the fit (RegMix,
Liu et al. 2024, arXiv:2407.01492, averages for the same reason).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from raylm.mixture.law import Law
from raylm.mixture.swarm import dirichlet, within

Array = NDArray[np.float64]

CANDIDATES = 4096
ROUNDS = 8


def kl_divergence(mixes: Array, prior: Array) -> Array:
    """Return KL(mix || prior) in nats (mixes,) of mixes (mixes, sources)."""
    return np.asarray(np.sum(mixes * np.log(np.maximum(mixes, 1e-300) / prior), axis=-1))


def target_loss(laws: Sequence[Law], shares: Array, mixes: Array) -> Array:
    """Return the predicted target loss (mixes,): the laws' predictions weighted by `shares` (laws,)."""
    return np.asarray(sum(share * law.predict(mixes) for share, law in zip(shares, laws, strict=True)))


def choose(laws: Sequence[Law], shares: Array, prior: Array, bounds: Array, *, least: float, strength: float, top: int,
           seed: int) -> Array:
    """Return the weights (sources,) to train with.

    Args:
        laws: one per target.
        shares: (laws,) how much each target counts; sum to 1.
        prior: (sources,) the natural mix.
        bounds: (sources,) most weight of each source.
        least: least weight of each source, as a fraction of its prior.
        strength: penalty per nat of KL(weights || prior), in the losses' unit.
        top: number of mixes averaged.
        seed: of the candidates.
    """
    def allowed(mixes: Array) -> Array:
        return within(least * prior + (1 - least) * mixes, bounds)

    random = np.random.default_rng([seed, 2])
    best = allowed(np.vstack([prior, np.full_like(prior, 1 / len(prior)), dirichlet(prior, CANDIDATES, (0.5, 8.0), random)]))
    for number in range(ROUNDS):
        score = target_loss(laws, shares, best) + strength * kl_divergence(best, prior)
        best = best[np.argsort(score, kind="stable")[:top]]
        if number < ROUNDS - 1:
            tight = 4.0 * 3.0**number
            around = allowed(dirichlet(best.mean(axis=0), CANDIDATES, (tight, 10 * tight), random))
            best = np.vstack([best, around])
    mean: Array = best.mean(axis=0)
    return mean / mean.sum()


def rounded(weights: Array, digits: int = 6) -> list[float]:
    """Return weights as short decimals that sum to 1: the largest takes the rounding's remainder."""
    values = [round(float(weight), digits) for weight in weights]
    largest = max(range(len(values)), key=values.__getitem__)
    values[largest] = round(values[largest] + 1.0 - sum(values), digits)
    return values
