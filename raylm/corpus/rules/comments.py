"""Source files without source: a licence header over an empty `__init__.py` is neither code nor a licence worth keeping."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from raylm.corpus.measures.base import Measure
from raylm.corpus.measures.source_code import SourceCode
from raylm.corpus.rules.base import Bound, Rule


class CommentsRule(Rule):
    """Removes code files in which every line is a line comment."""

    do: Literal["comments"] = "comments"
    """Code files without code."""
    min_code_lines: int = Field(default=1, ge=0)
    """Fewest lines that are neither blank nor a line comment."""

    def measures(self) -> tuple[Measure, ...]:
        """Return what is known of code."""
        return (SourceCode(),)

    def bounds(self) -> Sequence[Bound]:
        """Return `only comments`; prose has no such lines."""
        return (Bound("code_lines", "only comments", "min_code_lines", least=self.min_code_lines),)
