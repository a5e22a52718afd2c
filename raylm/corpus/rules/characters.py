"""Text that is mostly not letters: numbers, symbols, encoded data, box drawings."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from raylm.corpus.measures.base import Measure
from raylm.corpus.measures.characters import Characters
from raylm.corpus.rules.base import Bound, Rule


class CharactersRule(Rule):
    """Bounds on shares of characters."""

    do: Literal["characters"] = "characters"
    """Too few letters, encoded data."""
    min_letters_code: float = Field(default=0.4, ge=0, le=1)
    """Least share of letters in the visible characters of code. Ordinary modules have 0.65 to 0.85, tables of numbers far less."""
    min_letters_prose: float = Field(default=0.5, ge=0, le=1)
    """Least share of letters in the visible characters of prose. Running text has 0.9, Markdown full of links and code 0.55."""
    max_encoded: float = Field(default=0.3, ge=0, le=1)
    """Largest share of characters in runs of base64, hexadecimal, escapes or numbers."""

    def measures(self) -> tuple[Measure, ...]:
        """Return the measure of characters."""
        return (Characters(),)

    def columns(self) -> tuple[str, ...]:
        """Return what tells code from prose."""
        return ("content",)

    def bounds(self) -> Sequence[Bound]:
        """Return `too few letters` and `encoded data`."""
        return (Bound("letters", "too few letters", "min_letters_code", least=self.min_letters_code, content="code"),
                Bound("letters", "too few letters", "min_letters_prose", least=self.min_letters_prose, content="prose"),
                Bound("encoded", "encoded data", "max_encoded", most=self.max_encoded))
