"""Documents that repeat themselves line by line: tables of stubs, boilerplate, pasted copies."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from raylm.corpus.measures.base import Measure
from raylm.corpus.measures.lines import Lines
from raylm.corpus.rules.base import Bound, Rule


class RepetitionRule(Rule):
    """Bounds on the share of characters in repeated lines (Gopher, Rae et al. 2021, table A1: 0.2 of characters for web text)."""

    do: Literal["repetition"] = "repetition"
    """Repeated lines."""
    max_repeated_code: float = Field(default=0.6, ge=0, le=1)
    """In code, where lines such as `return None` repeat in good files."""
    max_repeated_prose: float = Field(default=0.5, ge=0, le=1)
    """In prose; far above Gopher's, since documentation repeats the parameters of kindred functions."""

    def measures(self) -> tuple[Measure, ...]:
        """Return the measure of lines."""
        return (Lines(),)

    def columns(self) -> tuple[str, ...]:
        """Return what tells code from prose."""
        return ("content",)

    def bounds(self) -> Sequence[Bound]:
        """Return `repeated lines`."""
        return (Bound("repeated_lines", "repeated lines", "max_repeated_code", most=self.max_repeated_code, content="code"),
                Bound("repeated_lines", "repeated lines", "max_repeated_prose", most=self.max_repeated_prose, content="prose"))
