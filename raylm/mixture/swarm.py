"""Which mixes the proxies are trained on, and which mixes are allowed: points of the simplex, as rows that sum to 1."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CONCENTRATION = (0.5, 8.0)
"""Range of the Dirichlet's concentration, log-uniform: from near a corner to near the prior."""
FLATTEN = 0.5
"""The Dirichlet's mean is the prior to this power: small sources get tried at all."""


def natural_mix(tokens: Array) -> Array:
    """Return each source's share (sources,) of all training tokens."""
    return np.asarray(tokens, np.float64) / np.sum(tokens)


def upper_bounds(tokens: Array, planned: int, max_epochs: float) -> Array:
    """Return the most weight (sources,) each source may have so that `planned` tokens repeat none more than `max_epochs` times.

    If even every source at its bound cannot fill the plan, the bounds are scaled up evenly until they can.
    """
    bounds = max_epochs * np.asarray(tokens, np.float64) / planned
    return np.minimum(bounds / min(1.0, float(bounds.sum())), 1.0)


def within(mixes: Array, bounds: Array) -> Array:
    """Return mixes (mixes, sources) with weights over the bounds cut and the excess given to the others in proportion."""
    mixes = np.array(mixes, np.float64)
    for _ in range(len(bounds)):
        over = mixes > bounds
        room = np.where(over, 0.0, mixes)
        left = 1.0 - np.where(over, bounds, 0.0).sum(axis=1, keepdims=True)
        mixes = np.where(over, bounds, room * left / np.maximum(room.sum(axis=1, keepdims=True), 1e-300))
    return np.asarray(mixes / mixes.sum(axis=1, keepdims=True))


def dirichlet(centre: Array, count: int, concentration: tuple[float, float], random: np.random.Generator) -> Array:
    """Draw mixes (count, sources) around a mix; each draw has its own concentration, log-uniform in a range."""
    strength = np.exp(random.uniform(np.log(concentration[0]), np.log(concentration[1]), size=count))
    gamma = random.gamma(np.maximum(centre * len(centre) * strength[:, None], 1e-3)) + 1e-12
    return np.asarray(gamma / gamma.sum(axis=1, keepdims=True))


def swarm(natural: Array, bounds: Array, count: int, seed: int) -> Array:
    """Return the mixes (count, sources) to train proxies on: the natural one, the uniform one, then draws around the natural one.

    Args:
        natural: (sources,) the prior.
        bounds: (sources,) most weight; the first two rows are baselines and need not keep them.
        count: number of rows, at least 2.
        seed: of the draws.
    """
    centre = natural**FLATTEN / np.sum(natural**FLATTEN)
    drawn = within(dirichlet(centre, count - 2, CONCENTRATION, np.random.default_rng([seed, 1])), bounds)
    return np.vstack([natural, np.full_like(natural, 1 / len(natural)), drawn])
