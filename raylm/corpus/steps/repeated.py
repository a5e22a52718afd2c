"""What the steps that cut repeated pieces of texts have in common: which occurrence stays, and when too little is left."""

from typing import Literal

from pydantic import Field

from raylm.corpus.steps.base import Step
from raylm.recipe.section import resource


class Repeated(Step):
    """A step that cuts out of documents what occurs at least twice among those in its scope."""

    keep: Literal["first", "none"] = "first"
    """What stays of a repeated piece: its first occurrence (by the priority of the sources, then a hash of the id, then the place
    in the document), or none."""
    min_left: int = Field(default=50, ge=0)
    """Characters that must be left of a document that was cut, white space at its ends not counted; with fewer it is removed."""
    bytes_in_one_task: int = resource(16_000_000, ge=0)
    """Bytes of text up to which one task compares all (up to 100 bytes of memory each); above, shuffles do."""
    rows_in_one_task: int = resource(4_000_000, ge=0)
    """Answers up to which one task hands them out (16 bytes each); above, a shuffle does."""
