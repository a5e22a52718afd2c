"""Documents that repeat themselves line by line: tables of stubs, boilerplate, pasted copies."""

from pydantic import Field

from raylm.corpus.rules.base import Rule
from raylm.corpus.sources.base import Content
from raylm.corpus.statistics import TextStatistics


class RepetitionRule(Rule):
    """Bounds on the share of characters in repeated lines (Gopher, Rae et al. 2021, table A1: 0.2 of characters for web text)."""

    max_repeated_code: float = Field(default=0.6, ge=0, le=1)
    """In code, where lines such as `return None` repeat in good files."""
    max_repeated_prose: float = Field(default=0.5, ge=0, le=1)
    """In prose; far above Gopher's, since documentation repeats the parameters of kindred functions."""

    def reason(self, text: str, counts: TextStatistics, content: Content) -> str | None:
        """Return `repeated lines` or None."""
        most = self.max_repeated_code if content == "code" else self.max_repeated_prose
        return "repeated lines" if counts.repeated_line_characters > most * counts.line_characters else None
