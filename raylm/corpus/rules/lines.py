"""Lines that nobody wrote by hand: minified code, tables and data dumped into a source file."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from raylm.corpus.measures.base import Measure
from raylm.corpus.measures.lines import Lines
from raylm.corpus.rules.base import Bound, Rule


class LinesRule(Rule):
    """Bounds on line length for code, after StarCoder (Li et al. 2023, section 3.1); prose may keep a paragraph on one line."""

    do: Literal["lines"] = "lines"
    """Lines that are too long."""
    max_code_line: int = Field(default=1_000, ge=1)
    """Longest line in code, characters."""
    max_code_mean: float = Field(default=100, gt=0)
    """Mean length of the lines of code that are not blank, characters."""
    max_prose_line: int = Field(default=50_000, ge=1)
    """Longest line in prose, characters."""

    def measures(self) -> tuple[Measure, ...]:
        """Return the measure of lines."""
        return (Lines(),)

    def columns(self) -> tuple[str, ...]:
        """Return what tells code from prose."""
        return ("content",)

    def bounds(self) -> Sequence[Bound]:
        """Return `line too long` and `lines too long on average`."""
        return (Bound("longest_line", "line too long", "max_code_line", most=self.max_code_line, content="code"),
                Bound("longest_line", "line too long", "max_prose_line", most=self.max_prose_line, content="prose"),
                Bound("mean_line", "lines too long on average", "max_code_mean", most=self.max_code_mean, content="code"))
