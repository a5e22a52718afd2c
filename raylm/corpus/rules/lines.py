"""Lines that nobody wrote by hand: minified code, tables and data dumped into a source file."""

from pydantic import Field

from raylm.corpus.rules.base import Rule
from raylm.corpus.sources.base import Content
from raylm.corpus.statistics import TextStatistics


class LinesRule(Rule):
    """Bounds on line length for code, after StarCoder (Li et al. 2023, section 3.1); prose may keep a paragraph on one line."""

    max_code_line: int = Field(default=1_000, ge=1)
    """Longest line in code, characters."""
    max_code_mean: float = Field(default=100, gt=0)
    """Mean length of the lines of code that are not blank, characters."""
    max_prose_line: int = Field(default=50_000, ge=1)
    """Longest line in prose, characters."""

    def reason(self, text: str, counts: TextStatistics, content: Content) -> str | None:
        """Return `line too long`, `lines too long on average` or None."""
        if counts.longest_line > (self.max_code_line if content == "code" else self.max_prose_line):
            return "line too long"
        if content == "code" and counts.line_characters > self.max_code_mean * counts.lines:
            return "lines too long on average"
        return None
