"""The fast classifier: fastText's averaged embeddings of words and word n-grams (Joulin et al. 2017).

Chinese and the like go in a character a word, so that word n-grams are character n-grams there, and no segmenter's version is
part of the model.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from raylm.corpus.models.base import Examples, Scorer, Trained
from raylm.corpus.models.measuring import measured
from raylm.corpus.models.training import ClassifierConfig, two_classes

if TYPE_CHECKING:
    from raylm.corpus.models.features import Features

FILE = "model.safetensors"
_TEXTS = 1_000
"""Texts whose features are in memory at a time."""


class FastTextConfig(ClassifierConfig):
    """A classifier as fastText trains it: the cheap first look. It reads the first `longest` characters of a document."""

    kind: Literal["fasttext"] = "fasttext"
    """Averaged embeddings."""
    dimension: int = Field(default=16, ge=1, le=1024)
    """Length of an embedding."""
    epochs: int = Field(default=10, ge=1)
    """Passes over the examples."""
    learning_rate: float = Field(default=0.2, gt=0)
    """The first step's learning rate; it falls linearly to 0."""
    word_ngrams: int = Field(default=2, ge=0, le=5)
    """Longest run of words (of characters, in Chinese and the like) that is a feature."""
    characters: tuple[int, int] = (1, 0)
    """Shortest and longest run of characters that is a feature; [1, 0] for none: they help and cost several times as much."""
    bits: int = Field(default=20, ge=10, le=26)
    """Features are hashed to 2^bits places; each costs 4 bytes, in memory and on disk."""
    longest: int = Field(default=5_000, ge=100, le=20_000)
    """Characters of a document that are read."""

    def train(self, examples: Examples, seed: int) -> Trained:
        """Train by stochastic gradient descent; see `ModelConfig.train`."""
        from safetensors.numpy import save

        from raylm.corpus.models.bag import fit

        trained = two_classes(self, examples)
        says = fit(_features(self, trained.texts), trained.positive, 2**self.bits, dimension=self.dimension, epochs=self.epochs,
                   learning_rate=self.learning_rate, seed=seed)
        return Trained({FILE: save({"says": says})}, measured(_FastText(self, says), examples))

    def load(self, folder: Path) -> Scorer:
        """Load what each feature says."""
        from safetensors.numpy import load

        return _FastText(self, load((folder / FILE).read_bytes())["says"])


class _FastText(Scorer):
    def __init__(self, config: FastTextConfig, says: NDArray[np.float32]) -> None:
        self._config, self._says = config, says

    def score(self, texts: Sequence[str], languages: Sequence[str]) -> NDArray[np.float64]:
        """Return P(positive); NaN for a text without any feature."""
        from raylm.corpus.models.bag import probabilities

        parts = [probabilities(self._says, _features(self._config, texts[start:start + _TEXTS]))
                 for start in range(0, len(texts), _TEXTS)]
        return np.concatenate([np.zeros(0), *parts])


def _features(config: FastTextConfig, texts: Sequence[str]) -> "Features":
    from raylm.corpus.models.features import features

    return features([text[: config.longest] for text in texts], config.word_ngrams, config.characters, config.bits)
