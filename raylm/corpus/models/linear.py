"""The linear classifier: hashed word and character n-grams under a logistic regression. On short texts it is the best of the cheap
ones and needs no segmenter; of long ones it reads the beginning.
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
    from raylm.corpus.models.logistic import Logistic

FILE = "model.safetensors"
_TEXTS = 1_000
"""Texts whose features are in memory at a time."""


class LinearConfig(ClassifierConfig):
    """Logistic regression over hashed n-grams. It reads the first `longest` characters of a document."""

    kind: Literal["linear"] = "linear"
    """Hashed n-grams."""
    word_ngrams: int = Field(default=2, ge=0, le=5)
    """Longest run of words (of characters, in Chinese and the like) that is a feature."""
    characters: tuple[int, int] = (1, 5)
    """Shortest and longest run of characters that is a feature; [1, 0] for none."""
    bits: int = Field(default=20, ge=10, le=26)
    """N-grams are hashed to 2^bits places; each costs 8 bytes, in memory and on disk."""
    strength: float = Field(default=3.0, gt=0)
    """Inverse of the L2 penalty."""
    longest: int = Field(default=5_000, ge=100, le=20_000)
    """Characters of a document that are read."""

    def train(self, examples: Examples, seed: int) -> Trained:
        """Train to convergence; see `ModelConfig.train`."""
        from safetensors.numpy import save

        from raylm.corpus.models.logistic import fit

        trained = two_classes(self, examples)
        scorer = _Linear(self, fit(_features(self, trained.texts), trained.positive, 2**self.bits, self.strength))
        model = scorer.model
        data = save({"weights": model.weights, "squares": model.squares, "bias": np.array([model.bias])})
        return Trained({FILE: data}, measured(scorer, examples))

    def load(self, folder: Path) -> Scorer:
        """Load the weights."""
        from safetensors.numpy import load

        from raylm.corpus.models.logistic import Logistic

        tensors = load((folder / FILE).read_bytes())
        return _Linear(self, Logistic(tensors["weights"], tensors["squares"], float(tensors["bias"][0])))


class _Linear(Scorer):
    def __init__(self, config: LinearConfig, model: "Logistic") -> None:
        self._config, self.model = config, model

    def score(self, texts: Sequence[str], languages: Sequence[str]) -> NDArray[np.float64]:
        """Return P(positive); NaN for a text without any feature."""
        parts = [self.model.probabilities(_features(self._config, texts[start:start + _TEXTS]))
                 for start in range(0, len(texts), _TEXTS)]
        return np.concatenate([np.zeros(0), *parts])


def _features(config: LinearConfig, texts: Sequence[str]) -> "Features":
    from raylm.corpus.models.features import features

    return features([text[: config.longest] for text in texts], config.word_ngrams, config.characters, config.bits)
