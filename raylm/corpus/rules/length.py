"""Documents too short to teach anything, or too long to be one document."""

from pydantic import Field

from raylm.corpus.rules.base import Rule
from raylm.corpus.sources.base import Content
from raylm.corpus.statistics import TextStatistics


class LengthRule(Rule):
    """Bounds on a document's length."""

    min_words: int = Field(default=16, ge=0)
    """Fewest words: removes empty `__init__.py` files and one-line notices. (Gopher's 50 is for web pages.)"""
    max_bytes: int = Field(default=2_000_000, ge=1)
    """Most UTF-8 bytes: what is longer is nearly always data."""

    def reason(self, text: str, counts: TextStatistics, content: Content) -> str | None:
        """Return `too short`, `too long` or None."""
        if counts.words < self.min_words:
            return "too short"
        return "too long" if counts.bytes > self.max_bytes else None
