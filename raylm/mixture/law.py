"""The mixing law: a source's held-out loss as a function of the weights a model was trained on, fitted to a few proxies.

The form is `L = c + exp(t . w)` (Ye et al. 2024, "Data Mixing Laws", arXiv:2403.16952; their constant k is inside t because the
weights sum to 1). For a given floor c it is a regression with a closed leave-one-out error, so c and the strength of the ridge
are chosen by that error from a grid. The grid holds the two simpler laws as well: c = 0 is log-linear, and c far below all
losses is linear; few or noisy proxies then get the law they can support.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RIDGES = (1e-6, 1e-4, 1e-3, 1e-2, 1e-1)
"""Penalties on t's departure from its mean, in units of the proxies' mean squared derivative."""
GAPS = (*np.geomspace(0.02, 5, 24).tolist(), 20.0)
"""Distances of the floor c below the lowest loss, in units of the losses' range. At 20 the law is linear in the range seen."""
NEWTON_STEPS = 12


@dataclass(frozen=True)
class Law:
    """One target's fitted law, with what leave-one-out says of it."""

    floor: float
    """c."""
    slope: Array
    """t, (sources,)."""
    kind: str
    """`exponential`, `log-linear` (c = 0) or `linear` (c far away)."""
    left_out: Array
    """(proxies,) each one's loss as predicted by a fit without it."""
    rmse: float
    """Root mean square error of `left_out`."""

    def predict(self, weights: Array) -> Array:
        """Return the losses (mixes,) of mixes (mixes, sources)."""
        return np.asarray(self.floor + np.exp(weights @ self.slope))

    def describe(self) -> dict[str, Any]:
        """Return the law as JSON types."""
        return {"kind": self.kind, "floor": self.floor, "slope": self.slope.tolist(), "rmse": self.rmse}


def fit_law(weights: Array, losses: Array) -> Law:
    """Fit a target's law to proxies; the floor and the ridge are those of the lowest leave-one-out error.

    Args:
        weights: (proxies, sources), rows sum to 1.
        losses: (proxies,) the target's held-out loss, any unit.
    """
    weights, losses = np.asarray(weights, np.float64), np.asarray(losses, np.float64)
    low, spread = float(losses.min()), max(float(np.ptp(losses)), 1e-6)
    floors = [("linear" if gap >= 20 else "exponential", low - gap * spread) for gap in GAPS]
    if low > 0:
        floors.append(("log-linear", 0.0))
    laws = [_fit_at(weights, losses, kind, floor, ridge) for kind, floor in floors for ridge in RIDGES]
    return min(laws, key=lambda law: law.rmse)


def _fit_at(weights: Array, losses: Array, kind: str, floor: float, ridge: float) -> Law:
    """Fit t for a given floor by damped Gauss-Newton, from the solution of the regression of log(L - c)."""
    proxies, sources = weights.shape
    centre = np.eye(sources) - 1 / sources  # t's mean is free: it is the constant k
    target = losses - floor
    penalty = ridge * float(np.mean(target**2)) * proxies / sources * centre
    slope = _solve(weights * target[:, None], target * np.log(target), penalty)
    error = _objective(weights, target, penalty, slope)
    for _ in range(NEWTON_STEPS):
        predicted = np.exp(weights @ slope)
        jacobian = weights * predicted[:, None]
        goal = _solve(jacobian, target - predicted + jacobian @ slope, penalty)
        for damping in (1.0, 0.5, 0.25, 0.125):
            trial = slope + damping * (goal - slope)
            if (reached := _objective(weights, target, penalty, trial)) < error:
                slope, error = trial, reached
                break
        else:
            break
    predicted = np.exp(weights @ slope)
    jacobian = weights * predicted[:, None]
    hat = np.einsum("ij,ji->i", jacobian, np.linalg.pinv(jacobian.T @ jacobian + penalty) @ jacobian.T)
    left_out = losses - (target - predicted) / np.maximum(1 - hat, 0.05)
    return Law(floor, slope, kind, left_out, float(np.sqrt(np.mean((losses - left_out) ** 2))))


def _solve(matrix: Array, goal: Array, penalty: Array) -> Array:
    return np.asarray(np.linalg.pinv(matrix.T @ matrix + penalty) @ (matrix.T @ goal))


def _objective(weights: Array, target: Array, penalty: Array, slope: Array) -> float:
    residual = target - np.exp(np.minimum(weights @ slope, 50.0))
    return float(residual @ residual + slope @ penalty @ slope)


def rank_correlation(first: Array, second: Array) -> float:
    """Return Spearman's rho of two series (ties get their mean rank); 0 where one of them is constant."""
    ranks = [_ranks(np.asarray(series, np.float64)) for series in (first, second)]
    centred = [rank - rank.mean() for rank in ranks]
    scale = float(np.sqrt((centred[0] @ centred[0]) * (centred[1] @ centred[1])))
    return float(centred[0] @ centred[1]) / scale if scale else 0.0


def _ranks(series: Array) -> Array:
    _, inverse, counts = np.unique(series, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts + 1) / 2)[inverse])
