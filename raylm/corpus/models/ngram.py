"""The language model that a document's perplexity is taken under: n-grams of each language by itself, trained on the corpus' own
text or on the sources that the recipe holds for good (CCNet, Wenzek et al. 2020, took Wikipedia).
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from raylm.corpus.models.base import Examples, ModelConfig, Scorer, Trained
from raylm.corpus.models.training import FromSources, TrainingText
from raylm.corpus.models.words import words
from raylm.errors import UserError

NAMELESS = "und"
"""The file of documents whose language nobody knows (ISO 639-2's code for that)."""


class NgramConfig(ModelConfig):
    """An n-gram language model for each language. Its score is the perplexity of a word: lower is more like the training text.

    Training takes some 250 bytes of memory for each word of the sample, scoring some 16 for each n-gram that is kept.
    """

    scale: ClassVar[Literal["share", "perplexity"]] = "perplexity"

    kind: Literal["ngram"] = "ngram"
    """Modified Kneser-Ney n-grams."""
    text: FromSources = FromSources()
    """The documents to train on: by default those of all sources. Each language's go into a model of their own."""
    order: int = Field(default=5, ge=2, le=7)
    """The longest n-gram, in words (characters of Chinese and the like)."""
    prune: int = Field(default=1, ge=0)
    """N-grams of three words and more that occur at most so often are left out."""
    vocabulary: int = Field(default=200_000, ge=100, le=10_000_000)
    """Most words: the most frequent ones. The others are unknown, which is the least probable word."""
    least_words: int = Field(default=2_000, ge=1)
    """A language with fewer words in its sample gets no model, and its documents no score."""
    arpa: bool = True
    """Whether to write each model as an ARPA file too, for other toolkits (kenlm)."""

    def training(self) -> tuple[TrainingText, ...]:
        """Return the text, bounded for each language."""
        text = FromSources(sources=self.text.sources, languages=self.text.languages or self.languages)
        return (TrainingText(positive=True, text=text, megabytes=self.sample_mb, per_language=True),)

    def train(self, examples: Examples, seed: int) -> Trained:
        """Estimate a model for each language with enough text."""
        files: dict[str, bytes] = {}
        metrics: dict[str, Any] = {}
        languages = np.array(examples.languages, dtype=object)
        for language in sorted(set(examples.languages)):
            mine = examples.where(languages == language)
            made = self._train_one(mine, language or NAMELESS)
            if made is not None:
                files |= made.files
                metrics[language] = made.metrics
        if not files:
            raise UserError(f"corpus.models: {self.name}: no language has {self.least_words} words to train on")
        return Trained(files, {"languages": metrics})

    def _train_one(self, examples: Examples, stem: str) -> Trained | None:
        from raylm.corpus.models.arpa import arpa, arrays
        from raylm.corpus.models.backoff import backoff_model, lines_of, perplexities, word_numbers
        from raylm.corpus.models.kneser_ney import UNKNOWN, estimate

        if not re.fullmatch(r"[A-Za-z0-9_-]+", stem):
            raise UserError(f"corpus.models: {self.name}: language {stem!r} cannot name a file")
        text, held = examples.where(~examples.held_out).texts, examples.where(examples.held_out).texts
        counts: Counter[str] = Counter()
        for one in text:
            counts.update(words(one))
        if counts.total() < self.least_words:
            return None
        known = [word for word, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[: self.vocabulary - 3]]
        numbers = word_numbers(["", "", "", *known])
        tokens = lines_of(text, numbers).tokens
        levels, discounts = estimate(tokens, len(known) + 3, self.order, self.prune)
        model = backoff_model(known, levels)
        found = perplexities(model, numbers, held) if held else np.zeros(0)
        found = found[~np.isnan(found)]
        heard = lines_of(held, numbers).tokens
        metrics = {"documents": len(text), "words": counts.total(), "vocabulary": len(known), "discounts": discounts,
                   "ngrams": [len(keys) for keys in model.keys], "held_out": len(held),
                   "unknown": round(float((heard == UNKNOWN).mean()), 6) if len(heard) else None,
                   "perplexity": round(float(np.median(found)), 3) if len(found) else None}
        files = {f"{stem}.safetensors": arrays(model)} | ({f"{stem}.arpa": arpa(model)} if self.arpa else {})
        return Trained(files, metrics)

    def load(self, folder: Path) -> Scorer:
        """Load the arrays of all languages."""
        return _Perplexity(folder)


class _Perplexity(Scorer):
    def __init__(self, folder: Path) -> None:
        from raylm.corpus.models.arpa import from_arrays
        from raylm.corpus.models.backoff import word_numbers

        models = {file.stem: from_arrays(str(file)) for file in sorted(folder.glob("*.safetensors"))}
        self._models = {("" if stem == NAMELESS else stem): (model, word_numbers(model.words)) for stem, model in models.items()}

    def score(self, texts: Sequence[str], languages: Sequence[str]) -> NDArray[np.float64]:
        """Return perplexities; NaN for a language without a model and for a text without words."""
        from raylm.corpus.models.backoff import perplexities

        values = np.full(len(texts), np.nan)
        names = np.array(languages, dtype=object)
        for language, (model, numbers) in self._models.items():
            places = np.flatnonzero(names == language)
            if len(places):
                values[places] = perplexities(model, numbers, [texts[place] for place in places])
        return values
