"""Text that is mostly not letters: numbers, symbols, encoded data, box drawings."""

import re

from pydantic import Field

from raylm.corpus.rules.base import Rule
from raylm.corpus.sources.base import Content
from raylm.corpus.statistics import TextStatistics

# Runs of base64 or hexadecimal, of escapes, of numbers, as StarCoder 2 (Lozhkov et al. 2024) looks for them. Each can only begin at
# the start of a run, which keeps the search linear.
_ENCODED = re.compile(
    r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/=]{60,}"
    r"|(?:\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}){16,}"
    r"|(?<![\w,])(?:(?:0x)?[0-9A-Fa-f]{1,8},\s{0,20}){64,}"
)


class CharactersRule(Rule):
    """Bounds on shares of characters."""

    min_letters_code: float = Field(default=0.4, ge=0, le=1)
    """Least share of letters in the visible characters of code. Ordinary modules have 0.65 to 0.85, tables of numbers far less."""
    min_letters_prose: float = Field(default=0.5, ge=0, le=1)
    """Least share of letters in the visible characters of prose. Running text has 0.9, Markdown full of links and code 0.55."""
    max_encoded: float = Field(default=0.3, ge=0, le=1)
    """Largest share of characters in runs of base64, hexadecimal, escapes or numbers."""

    def reason(self, text: str, counts: TextStatistics, content: Content) -> str | None:
        """Return `too few letters`, `encoded data` or None."""
        least = self.min_letters_code if content == "code" else self.min_letters_prose
        if counts.letters < least * counts.visible:
            return "too few letters"
        encoded = sum(map(len, _ENCODED.findall(text)))
        return "encoded data" if encoded > self.max_encoded * counts.characters else None
