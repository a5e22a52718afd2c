"""What the steps that cut repeated pieces of texts have in common: which occurrence stays, and when too little is left."""

from typing import Literal, Self

from pydantic import Field, model_validator

from raylm.corpus.steps.base import Step
from raylm.recipe.section import resource


class Repeated(Step):
    """A step that cuts out of documents what occurs at least twice among those in its scope."""

    keep: Literal["first", "high", "low", "none"] = "first"
    """What stays of a repeated piece: its first occurrence (by the priority of the sources, then a hash of the id, then the place
    in the document), that in the document with the highest or the lowest value of `keep_by`, or none."""
    keep_by: str = ""
    """The column (a measure or a model's score) that `keep: high` and `keep: low` go by; the first of equally good ones stays."""
    against: tuple[str, ...] = ()
    """Earlier corpora, each a run's folder or a corpus artifact's: what one of their documents has is cut from this one's. Their
    texts are read again."""
    min_left: int = Field(default=50, ge=0)
    """Characters that must be left of a document that was cut, white space at its ends not counted; with fewer it is removed."""
    bytes_in_one_task: int = resource(16_000_000, ge=0)
    """Bytes of text up to which one task compares all (up to 100 bytes of memory each); above, shuffles do."""
    rows_in_one_task: int = resource(4_000_000, ge=0)
    """Answers up to which one task hands them out (16 bytes each); above, a shuffle does."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if bool(self.keep_by) != (self.keep in ("high", "low")):
            raise ValueError("`keep_by` with `keep: high` or `keep: low`, and neither of them without it")
        return self

    def files(self, stage: str) -> tuple[str, ...]:
        """Return the earlier corpora."""
        return self.against if stage == "corpus" else ()
