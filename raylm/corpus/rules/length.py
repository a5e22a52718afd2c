"""Documents too short to teach anything, or too long to be one document."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from raylm.corpus.measures.base import Measure
from raylm.corpus.measures.tokens import Tokens
from raylm.corpus.rules.base import Bound, Rule


class LengthRule(Rule):
    """Bounds on a document's length."""

    do: Literal["length"] = "length"
    """Too short, too long."""
    min_words: int = Field(default=16, ge=0)
    """Fewest words, a character of Chinese, Japanese or Thai counting as one: removes empty `__init__.py` files and one-line
    notices. (Gopher's 50 is for web pages; the rule `words` counts with a segmenter.)"""
    max_bytes: int = Field(default=2_000_000, ge=1)
    """Most UTF-8 bytes: what is longer is nearly always data."""

    def measures(self) -> tuple[Measure, ...]:
        """Return the count of tokens."""
        return (Tokens(),)

    def columns(self) -> tuple[str, ...]:
        """Return what every document has."""
        return ("bytes",)

    def bounds(self) -> Sequence[Bound]:
        """Return `too short` and `too long`."""
        return (Bound("tokens", "too short", "min_words", least=self.min_words),
                Bound("bytes", "too long", "max_bytes", most=self.max_bytes))
