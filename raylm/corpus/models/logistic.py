"""Logistic regression over hashed 0/1 features, each weighed by how unevenly the classes use it (the log-count ratio of Wang and
Manning 2012, "NB-SVM"), every text scaled to length 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raylm.corpus.models.features import Features

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Logistic:
    """A trained model: P(positive) = sigmoid(sum(weights of the text's places) / sqrt(sum(squares)) + bias)."""

    weights: NDArray[np.float32]
    """(2^bits,): coefficient times ratio."""
    squares: NDArray[np.float32]
    """(2^bits,): ratio squared; their sum is the squared length of a text."""
    bias: float

    def probabilities(self, texts: Features) -> Floats:
        """Return P(positive) of each text (texts,); of one without features, NaN."""
        sums = _row_sums(self.weights[texts.places].astype(np.float64), texts.offsets)
        lengths = np.sqrt(_row_sums(self.squares[texts.places].astype(np.float64), texts.offsets))
        scores = np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0) + self.bias
        return np.where(np.diff(texts.offsets) > 0, _sigmoid(scores), np.nan)


def fit(texts: Features, positive: NDArray[np.bool_], size: int, strength: float, smoothing: float = 1.0) -> Logistic:
    """Train by L-BFGS, at most 100 steps, in double precision.

    Args:
        texts: features of the examples.
        positive: (texts,) their classes; both must occur.
        size: how many places there are.
        strength: inverse of the L2 penalty, as scikit-learn's C: the loss is summed over texts.
        smoothing: added to each count before the ratio is taken.
    """
    from scipy.optimize import minimize
    from scipy.sparse import csr_matrix

    ratio = log_count_ratio(texts, positive, size, smoothing)
    values = ratio[texts.places]
    lengths = np.sqrt(_row_sums(values**2, texts.offsets))
    values /= np.repeat(np.where(lengths > 0, lengths, 1.0), np.diff(texts.offsets))
    used, columns = np.unique(texts.places, return_inverse=True)
    matrix = csr_matrix((values, columns, texts.offsets), shape=(len(positive), len(used)))
    transposed = matrix.T.tocsr()
    signs = np.where(positive, 1.0, -1.0)

    def loss(point: Floats) -> tuple[float, Floats]:
        weights, margins = point[:-1], signs * (matrix @ point[:-1] + point[-1])
        pull = -signs * _sigmoid(-margins)
        value = np.logaddexp(0.0, -margins).sum() + weights @ weights / (2 * strength)
        return float(value), np.append(transposed @ pull + weights / strength, pull.sum())

    found = minimize(loss, np.zeros(len(used) + 1), jac=True, method="L-BFGS-B", options={"maxiter": 100, "ftol": 1e-8}).x
    weights = np.zeros(size, np.float32)
    weights[used] = found[:-1] * ratio[used]
    return Logistic(weights, (ratio**2).astype(np.float32), float(found[-1]))


def log_count_ratio(texts: Features, positive: NDArray[np.bool_], size: int, smoothing: float) -> Floats:
    """Return |log((p / sum p) / (q / sum q))| of each place (size,): p counts the positive texts that have it, q the others, both
    smoothed.
    """
    rows = np.repeat(positive, np.diff(texts.offsets))
    p = smoothing + np.bincount(texts.places[rows], minlength=size)
    q = smoothing + np.bincount(texts.places[~rows], minlength=size)
    ratio: Floats = np.abs(np.log((p / p.sum()) / (q / q.sum())))
    return ratio


def _row_sums(values: Floats, offsets: NDArray[np.int64]) -> Floats:
    rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    return np.bincount(rows, values, minlength=len(offsets) - 1).astype(np.float64)


def _sigmoid(values: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-np.clip(values, -500, 500)))
