"""The fast classifier: fastText's averaged embeddings of words and word n-grams under a softmax (Joulin et al. 2017).

Trained with one thread, which alone makes its file the same at every making. Chinese and the like go in a character a word, so that
the word n-grams are character n-grams there and no segmenter's version is part of the model.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from raylm.corpus.models.base import Examples, Scorer, Trained
from raylm.corpus.models.measuring import measured
from raylm.corpus.models.training import LONGEST, ClassifierConfig
from raylm.corpus.models.words import words
from raylm.errors import UserError

FILE = "model.bin"
_LABEL = "#is:"
"""What a label begins with. No word does: `words` never leaves a mark and a letter together."""
_POSITIVE, _NEGATIVE = f"{_LABEL}1", f"{_LABEL}0"


class FastTextConfig(ClassifierConfig):
    """A fastText classifier: the cheap first look, some MB a second. It reads the first 20,000 characters of a document."""

    kind: Literal["fasttext"] = "fasttext"
    """fastText."""
    dimension: int = Field(default=32, ge=1, le=1024)
    """Length of an embedding."""
    epochs: int = Field(default=25, ge=1)
    """Passes over the examples."""
    learning_rate: float = Field(default=0.1, gt=0)
    """fastText's learning rate; it falls linearly to 0."""
    word_ngrams: int = Field(default=2, ge=1, le=5)
    """Longest run of words (of characters, in Chinese and the like) that is a feature."""
    characters: tuple[int, int] = (0, 0)
    """Shortest and longest run of characters inside a word that is a feature; [0, 0] for none."""
    min_count: int = Field(default=1, ge=1)
    """Words seen less often are no feature by themselves."""
    buckets: int = Field(default=200_000, ge=1_000)
    """Places that n-grams are hashed to; each costs 4 bytes for each dimension, in memory and on disk."""

    def train(self, examples: Examples, seed: int) -> Trained:
        """Train with one thread; see `ModelConfig.train`."""
        trained = examples.where(~examples.held_out)
        with tempfile.TemporaryDirectory(prefix="raylm-") as folder:
            text, file = Path(folder) / "examples.txt", Path(folder) / FILE
            with text.open("w", encoding="utf-8", errors="replace") as stream:
                for line, positive in zip(trained.texts, trained.positive.tolist(), strict=True):
                    stream.write(f"{_POSITIVE if positive else _NEGATIVE} {_line(line)}\n")
            model = self._fitted(text, seed)
            model.save_model(str(file))
            data = file.read_bytes()
        return Trained({FILE: data}, measured(_FastText(model), examples))

    def _fitted(self, text: Path, seed: int) -> Any:
        import fasttext

        try:
            return fasttext.train_supervised(
                str(text), dim=self.dimension, epoch=self.epochs, lr=self.learning_rate, wordNgrams=self.word_ngrams,
                minn=self.characters[0], maxn=self.characters[1], minCount=self.min_count, bucket=self.buckets, loss="softmax",
                thread=1, seed=seed % 2**31, label=_LABEL, verbose=0)
        except (RuntimeError, ValueError) as error:  # "Encountered NaN": the steps were too large
            raise UserError(f"corpus.models: {self.name}: no fastText model ({error}); try a lower learning_rate") from None

    def load(self, folder: Path) -> Scorer:
        """Load fastText's own file."""
        import fasttext

        return _FastText(fasttext.load_model(str(folder / FILE)))


class _FastText(Scorer):
    def __init__(self, model: Any) -> None:
        self._model = model

    def score(self, texts: Sequence[str], languages: Sequence[str]) -> NDArray[np.float64]:
        """Return P(positive); NaN for a text without any word."""
        lines = [_line(text) for text in texts]
        labels, shares = self._model.predict(lines, k=2) if lines else ([], [])
        found = (dict(zip(names, values, strict=True)) for names, values in zip(labels, shares, strict=True))
        values = [min(float(by.get(_POSITIVE, 0.0)), 1.0) for by in found]
        return np.where([bool(line) for line in lines], values, np.nan)


def _line(text: str) -> str:
    return " ".join(words(text[:LONGEST]))
