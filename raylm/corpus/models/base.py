"""What a model of the corpus is: something raylm trains itself, once, and then asks for one number about every document.

A model is told as the recipe tells it (a `ModelConfig`), trained from a bounded sample into a few files of a safe format, and
loaded from them as a `Scorer`. Its scores are a column; what to do with them is a rule's business, later. Costly models can be
asked about fewer documents than cheap ones: `only` names the range of earlier columns in which a model is asked at all.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from raylm.corpus.language.codes import Languages
from raylm.recipe.section import Section

if TYPE_CHECKING:
    from raylm.corpus.models.training import TrainingText

Range = tuple[float | None, float | None]


@dataclass(frozen=True)
class Examples:
    """Texts to train on and to measure with, in an order of their own (that of their hashes)."""

    texts: Sequence[str]
    languages: Sequence[str]
    """ISO 639-1, or empty where it is not known."""
    positive: NDArray[np.bool_]
    """(texts,): whether a text is of the class whose probability is the score; a language model has that class only."""
    held_out: NDArray[np.bool_]
    """(texts,): whether it is only measured with."""

    def where(self, chosen: NDArray[np.bool_]) -> "Examples":
        """Return the chosen ones."""
        places = np.flatnonzero(chosen).tolist()
        return Examples([self.texts[place] for place in places], [self.languages[place] for place in places],
                        self.positive[chosen], self.held_out[chosen])


@dataclass(frozen=True)
class Trained:
    """A trained model."""

    files: dict[str, bytes]
    """By name: safetensors, ARPA, JSON or SentencePiece; nothing that runs code when it is loaded."""
    metrics: dict[str, Any]
    """What training tells of itself, of JSON types and equal at every making."""


class Scorer(ABC):
    """A loaded model."""

    @abstractmethod
    def score(self, texts: Sequence[str], languages: Sequence[str]) -> NDArray[np.float64]:
        """Return a number for each text (texts,), NaN where the model has nothing to say of it."""


class ModelConfig(Section, ABC):
    """One entry of the recipe's `corpus.models`. A subclass has a field `kind` with its name as the only value."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)
    """The model's name, and that of the column with its scores."""
    scale: ClassVar[Literal["share", "perplexity"]] = "share"
    """What the scores are: shares from 0 to 1, or perplexities. The histograms' bins follow it."""

    kind: str
    """Which kind of model it is: one of raylm.corpus.models.MODELS."""
    languages: Languages = ()
    """Languages (ISO 639-1, as identified) whose documents it is asked about; empty means all."""
    sources: tuple[str, ...] = ()
    """Names of the sources whose documents it is asked about; empty means all."""
    only: dict[str, Range] = Field(default_factory=dict)
    """The cascade: for an earlier column (of a measure, or an earlier model's name) the least and the most, null for no bound. Only
    documents inside all the ranges are scored; those without a value in such a column are not."""
    grain: Literal["document", "sentence"] = "document"
    """What is scored: the document as a whole, or each of its sentences by itself."""
    over_sentences: Literal["largest", "mean"] = "largest"
    """With `grain: sentence`, how the sentences' scores become the document's."""
    sample_mb: float = Field(default=20.0, gt=0)
    """Most MB of text to train on, of each class (of a classifier) or language (of a language model). The documents are chosen by a
    hash of their ids."""
    heldout: float = Field(default=0.1, gt=0, lt=1)
    """Share of the examples that the model is measured with and not trained on, by hash."""

    @field_validator("only")
    @classmethod
    def _ordered(cls, only: dict[str, Range]) -> dict[str, Range]:
        for column, (least, most) in only.items():
            if least is not None and most is not None and least > most:
                raise ValueError(f"{column}: [least, most], the least first")
        return only

    def files(self) -> tuple[str, ...]:
        """Return the files and folders, besides the corpus, that the model is made from: what is in them decides what it is."""
        return ()

    @abstractmethod
    def training(self) -> "tuple[TrainingText, ...]":
        """Return where the examples come from."""

    @abstractmethod
    def train(self, examples: Examples, seed: int) -> Trained:
        """Train on the examples that are not held out, and measure on those that are. Equal examples give equal bytes.

        Raises:
            UserError: there is too little to train on.
        """

    @abstractmethod
    def load(self, folder: Path) -> Scorer:
        """Load what `train` made from a local folder, which need not exist afterwards."""
