"""Taking out of the corpus what models will be tested with, by n-grams of words, as for GPT-3 (Brown et al. 2020, appendix C)."""

from typing import Any, Literal

from pydantic import Field, field_validator

from raylm.corpus.steps.base import Corpus, Step, Work
from raylm.recipe.section import Section, resource


class EvaluationSet(Section):
    """Texts that no model may have seen."""

    name: str
    """What reasons and matches call it."""
    paths: tuple[str, ...] = Field(min_length=1)
    """Files or folders: JSON lines, JSON, CSV, Parquet, plain text (an item a line), also compressed."""
    columns: tuple[str, ...] = ()
    """Columns that are searched; by default every string in a row. Leave out instructions that all items share."""

    @field_validator("paths", mode="before")
    @classmethod
    def _one_is_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


class Decontaminate(Step):
    """Removes documents that contain an n-gram of an evaluation item, or cuts around it; the matches are listed in `matches/`."""

    do: Literal["decontaminate"] = "decontaminate"
    sets: tuple[EvaluationSet, ...] = Field(min_length=1)
    """The evaluation sets."""
    n: int = Field(default=13, ge=3, le=200)
    """Words in a row that must be equal, whatever the case and the punctuation. GPT-3's 13."""
    least: int = Field(default=8, ge=2)
    """Texts shorter than `n` words are searched as a whole down to so many words, GPT-3's 8; below, they match by accident."""
    unspaced: float = Field(default=1.5, ge=1, le=4)
    """Characters that make a word where script is not spaced: of a Chinese item 13 x 1.5, so 20 characters are searched."""
    most_items: int = Field(default=10, ge=1)
    """N-grams that more items of one set share are its template, not its content, and are not searched."""
    action: Literal["document", "span"] = "document"
    """Whether the document goes, or only the match and what is around it."""
    margin: int = Field(default=200, ge=0)
    """Characters cut on both sides of a match, with `action: span`. GPT-3's 200."""
    most_cuts: int = Field(default=10, ge=1)
    """Matches apart from each other, above which the whole document goes even with `action: span`. GPT-3's 10."""
    min_left: int = Field(default=200, ge=0)
    """Characters that must be left of a document that was cut; with fewer it goes. GPT-3's 200."""
    listed: int = Field(default=100, ge=0, le=1000)
    """Matches that the report shows; `matches/` has all."""
    most_grams: int = resource(10_000_000, ge=1)
    """N-grams in all sets together that a worker may hold, about 35 bytes each; more is an error."""

    @field_validator("sets")
    @classmethod
    def _distinct_names(cls, value: tuple[EvaluationSet, ...]) -> tuple[EvaluationSet, ...]:
        names = [one.name for one in value]
        if len(set(names)) < len(names):
            raise ValueError("evaluation sets with different names")
        return value

    def files(self, stage: str) -> tuple[str, ...]:
        """Return the evaluation sets' places, for the `corpus` stage."""
        return tuple(path for one in self.sets for path in one.paths) if stage == "corpus" else ()

    def run(self, corpus: Corpus, work: Work) -> dict[str, Any]:
        """Do what `Step.run` says."""
        from raylm.corpus.dedup.decontaminate import decontaminate

        return decontaminate(self, corpus, work)
