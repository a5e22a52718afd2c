"""Training fastText's classifier (Joulin et al. 2017, "Bag of Tricks"): the mean of the embeddings of a text's features, a linear
layer, and stochastic gradient descent, one text at a time.

Ours and not the library's, whose one-threaded training starts from memory that nobody set, so that two makings differ. With two
classes all that scoring needs of an embedding is its product with the last layer: one number a feature, a file of a few MB.
"""

import numpy as np
from numpy.typing import NDArray

from raylm.corpus.models.features import Features

Floats = NDArray[np.float32]


def fit(texts: Features, positive: NDArray[np.bool_], size: int, *, dimension: int, epochs: int, learning_rate: float,
        seed: int) -> Floats:
    """Train on texts in a new order in each epoch.

    Args:
        texts: features of the examples.
        positive: (texts,) their classes.
        size: how many places there are.
        dimension: of an embedding.
        epochs: passes over the texts.
        learning_rate: of the first step; it falls linearly to 0.
        seed: of the embeddings and the orders.

    Returns:
        (size,) what each feature says for the positive class; 0 for those that no text had.
    """
    rng = np.random.default_rng(seed)
    used, columns = np.unique(texts.places, return_inverse=True)
    embeddings = rng.uniform(-1 / dimension, 1 / dimension, (len(used), dimension)).astype(np.float32)
    last = np.zeros(dimension, np.float32)  # of the positive class; the other's is its negative, at every step
    full = np.flatnonzero(np.diff(texts.offsets))
    steps, step = epochs * len(full), 0
    for _ in range(epochs):
        for text in rng.permutation(full).tolist():
            here = columns[texts.offsets[text]:texts.offsets[text + 1]]
            mean = embeddings[here].mean(0)
            share = 1.0 / (1.0 + np.exp(-2.0 * min(max(float(mean @ last), -40.0), 40.0)))
            move = np.float32(learning_rate * (1 - step / steps) * (float(positive[text]) - share))
            embeddings[here] += (2 * move / np.float32(len(here))) * last  # no feature is twice in a text
            last += move * mean
            step += 1
    says = np.zeros(size, np.float32)
    says[used] = 2 * embeddings @ last
    return says


def probabilities(says: Floats, texts: Features) -> NDArray[np.float64]:
    """Return P(positive) of each text (texts,); NaN for one without features."""
    counts = np.diff(texts.offsets)
    rows = np.repeat(np.arange(len(counts)), counts)
    sums = np.bincount(rows, says[texts.places].astype(np.float64), minlength=len(counts))
    return np.where(counts > 0, 1.0 / (1.0 + np.exp(-np.clip(sums / np.maximum(counts, 1), -500, 500))), np.nan)
