"""Decisions from what raylm's own models say: a score's bounds, a perplexity's bounds or percentiles, and a vote of several models.

A percentile becomes a threshold when the scores of all documents are known: `resolve` reads it from the histograms that the score
stage kept, so no score is computed again for another percentile.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, PrivateAttr, model_validator

from raylm.corpus.models.bins import percentile
from raylm.corpus.rules.base import Bound, Rule
from raylm.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa


class ScoreRule(Rule):
    """Bounds on one model's score. Documents that the model was not asked about stay."""

    do: Literal["score"] = "score"
    """A classifier's score."""
    model: str
    """Name of one of `corpus.models`."""
    least: float | None = Field(default=None, ge=0, le=1)
    """The lowest score that stays, as for quality."""
    most: float | None = Field(default=None, ge=0, le=1)
    """The highest score that stays, as for toxicity."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.least is None and self.most is None:
            raise ValueError("least or most")
        return self

    def models_asked(self) -> tuple[str, ...]:
        """Return the model."""
        return (self.model,)

    def columns(self) -> tuple[str, ...]:
        """Return the model's column."""
        return (self.model,)

    def bounds(self) -> Sequence[Bound]:
        """Return the bounds that are set."""
        low = [Bound(self.model, f"{self.model} score too low", "least", least=self.least)] if self.least is not None else []
        high = [Bound(self.model, f"{self.model} score too high", "most", most=self.most)] if self.most is not None else []
        return (*low, *high)


class PerplexityRule(Rule):
    """Bounds on the perplexity of each word under an n-gram language model of the document's language (CCNet, Wenzek et al. 2020).

    Perplexities of two languages cannot be compared, so percentiles are of each language by itself: of all its documents that were
    read and scored, before any step. A perplexity that is too low is worth a bound as well: it is often text that repeats itself.
    """

    scale: ClassVar[Literal["share", "perplexity"]] = "perplexity"
    do: Literal["perplexity"] = "perplexity"
    """A language model's perplexity."""
    model: str
    """Name of one of `corpus.models`, of the kind `ngram`."""
    least: float | None = Field(default=None, ge=1)
    """The lowest perplexity that stays."""
    most: float | None = Field(default=None, ge=1)
    """The highest perplexity that stays."""
    least_percentile: float | None = Field(default=None, ge=0, le=100)
    """The share (%) of each language's documents that go for the lowest perplexities."""
    most_percentile: float | None = Field(default=None, ge=0, le=100)
    """The share (%) of each language's documents that may stay, from the lowest perplexity on: 90 removes the highest tenth."""

    _resolved: dict[str, dict[str, float]] | None = PrivateAttr(default=None)
    """Thresholds by language; empty where nothing was scored, None before `resolve`."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if all(value is None for value in (self.least, self.most, self.least_percentile, self.most_percentile)):
            raise ValueError("least, most, least_percentile or most_percentile")
        return self

    def models_asked(self) -> tuple[str, ...]:
        """Return the model."""
        return (self.model,)

    def columns(self) -> tuple[str, ...]:
        """Return the model's column and the language."""
        return (self.model, "language")

    def resolve(self, metrics: dict[str, Any]) -> Self:
        """Return a copy that knows its percentiles' thresholds, from the score stage's metrics.

        Raises:
            UserError: there is no such model, or it is no language model.
        """
        models = metrics.get("models", {})
        if self.model not in models:
            raise UserError(f"corpus.steps: perplexity: no model {self.model!r}; there are: {', '.join(sorted(models)) or 'none'}")
        found = models[self.model]
        if found["scale"] != "perplexity":
            raise UserError(f"corpus.steps: perplexity: model {self.model!r} is of the kind {found['kind']!r}; use `do: score`")
        copy = self.model_copy()
        copy._resolved = {
            language: {key: threshold for key, percent in self._percentiles().items()
                       if (threshold := percentile(counts, percent, "perplexity")) is not None}
            for language, counts in found["histograms"].items()}
        return copy

    def bounds(self) -> Sequence[Bound]:
        """Return the bounds for all languages, then those of each language, once they are resolved."""
        low, high = f"{self.model} perplexity too low", f"{self.model} perplexity too high"
        fixed = [Bound(self.model, low, "least", least=self.least), Bound(self.model, high, "most", most=self.most)]
        found = [bound for bound in fixed if bound.least is not None or bound.most is not None]
        for language, thresholds in sorted((self._resolved or {}).items()):
            if "least_percentile" in thresholds:
                found.append(Bound(self.model, low, "least_percentile", least=thresholds["least_percentile"], language=language))
            if "most_percentile" in thresholds:
                found.append(Bound(self.model, high, "most_percentile", most=thresholds["most_percentile"], language=language))
        return found

    def refusals(self, rows: "pa.Table") -> list[str | None]:
        """Return none; percentiles must have been resolved."""
        if self._percentiles() and self._resolved is None:
            raise ValueError("percentiles that nobody resolved")
        return super().refusals(rows)

    def _percentiles(self) -> dict[str, float]:
        keys = {"least_percentile": self.least_percentile, "most_percentile": self.most_percentile}
        return {key: percent for key, percent in keys.items() if percent is not None}


class VoteRule(Rule):
    """Several models vote: a document goes when at least so many of them score it above, or below, a threshold."""

    do: Literal["vote"] = "vote"
    """A vote of classifiers."""
    models: tuple[str, ...] = Field(min_length=1)
    """Names of some of `corpus.models`. One that was not asked about a document does not vote on it."""
    at_least: int = Field(default=2, ge=1)
    """How many votes remove a document."""
    least: float | None = Field(default=None, ge=0, le=1)
    """A score below it is a vote to remove."""
    most: float | None = Field(default=None, ge=0, le=1)
    """A score above it is a vote to remove."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.least is None and self.most is None:
            raise ValueError("least or most")
        if self.at_least > len(self.models) or len(set(self.models)) < len(self.models):
            raise ValueError(f"at_least no more than the {len(set(self.models))} different models")
        return self

    def models_asked(self) -> tuple[str, ...]:
        """Return the models."""
        return self.models

    def columns(self) -> tuple[str, ...]:
        """Return the models' columns."""
        return self.models

    def refusals(self, rows: "pa.Table") -> list[str | None]:
        """Return `voted out` for the rows with enough votes."""
        from raylm.corpus.rules.deciding import broken

        votes = np.zeros(rows.num_rows, dtype=np.int64)
        for model in self.models:
            votes += broken(Bound(model, "", "", least=self.least, most=self.most), rows)
        return ["voted out" if gone else None for gone in (votes >= self.at_least).tolist()]
