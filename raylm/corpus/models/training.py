"""Where a model's training text comes from, as the recipe says it: labelled files, or sources of the corpus held against each
other.

Whatever it is, the sample is bounded and chosen by hashes: of a document's id, or of a labelled row's text, so that two equal
labelled texts are never on both sides of the held-out split.
"""

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from raylm.corpus.language.codes import Languages
from raylm.corpus.models.base import Examples, ModelConfig
from raylm.errors import UserError
from raylm.recipe.section import Section

LONGEST = 20_000
"""Most characters of one document in a sample: one long book must not crowd out the rest."""


class FromSources(Section):
    """Documents of the corpus' own sources, as they were read: no step of the recipe has judged them yet."""

    sources: tuple[str, ...] = ()
    """Names of the sources; empty means all."""
    languages: Languages = ()
    """Languages (as identified); empty means all."""

    def covers(self, source: str, language: str) -> bool:
        """Whether a document of this source and language belongs here."""
        return (not self.sources or source in self.sources) and (not self.languages or language in self.languages)


class Labelled(Section):
    """A file of labelled texts: CSV, or JSON a line; plain or gzip (.gz)."""

    path: str
    """The file. It is read by one task, so every node must reach it."""
    text_column: str = "text"
    """The column with the text."""
    label_column: str = "label"
    """The column with the label."""
    positive: tuple[str | int, ...] = Field(min_length=1)
    """The labels of the class whose probability is the score, as in `[1, 2]` or `[toxic]`; every other label is the other class."""
    language: str = ""
    """The language (ISO 639-1) of all its texts."""

    @property
    def format(self) -> Literal["csv", "json"]:
        """The format, by the file's ending."""
        return "csv" if Path(self.path.removesuffix(".gz")).suffix == ".csv" else "json"


@dataclass(frozen=True)
class TrainingText:
    """One class of examples from the corpus, with the bound on it."""

    positive: bool
    text: FromSources
    megabytes: float
    per_language: bool = False
    """Whether the bound is on each language by itself."""


class ClassifierConfig(ModelConfig):
    """A model that is trained to tell two classes apart; its score is the probability of the positive one, 0 to 1."""

    labelled: tuple[Labelled, ...] = ()
    """Files of labelled texts, of one or several languages."""
    positive: FromSources | None = None
    """Sources of the corpus that stand for the positive class; the score says how much a document is like them."""
    negative: FromSources | None = None
    """Sources of the corpus that stand for the other class."""

    @model_validator(mode="after")
    def _both_classes(self) -> "ClassifierConfig":
        if (self.positive is None) != (self.negative is None):
            raise ValueError("`positive` and `negative` together: the one is told by the other")
        if not self.labelled and self.positive is None:
            raise ValueError("training text: `labelled` files, or `positive` and `negative` sources")
        return self

    def files(self) -> tuple[str, ...]:
        """Return the labelled files."""
        return tuple(labelled.path for labelled in self.labelled)

    def training(self) -> tuple[TrainingText, ...]:
        """Return the two classes, if the corpus has them."""
        if self.positive is None or self.negative is None:
            return ()
        return tuple(TrainingText(positive=positive, text=text, megabytes=self.sample_mb)
                     for positive, text in ((True, self.positive), (False, self.negative)))


def two_classes(config: ClassifierConfig, examples: Examples) -> Examples:
    """Return the examples that are not held out.

    Raises:
        UserError: they are not of two classes.
    """
    trained = examples.where(~examples.held_out)
    if trained.positive.all() or not trained.positive.any():
        raise UserError(f"corpus.models: {config.name}: all {len(trained.texts)} examples are of one class; two are needed")
    return trained


def place(seed: int, name: str, key: str) -> float:
    """Return where in [0, 1) a key falls, for one use (`name`) of it: a share `s` of all keys falls below `s`."""
    digest = blake2b(f"{seed}:{name}:{key}".encode("utf-8", "surrogatepass"), digest_size=8, person=b"raylm-models")
    return int.from_bytes(digest.digest(), "big") / 2**64
