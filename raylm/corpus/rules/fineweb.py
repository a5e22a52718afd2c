"""FineWeb's own rules, found by comparing good and bad crawls (Penedo et al. 2024, section 3.6)."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from raylm.corpus.language.codes import Languages
from raylm.corpus.measures.base import Measure
from raylm.corpus.measures.fineweb import FineWeb
from raylm.corpus.rules.base import Bound, Rule


class FineWebRule(Rule):
    """The bounds as datatrove 0.10 has them: it bounds repeated lines by 0.01 where the paper says 0.1."""

    do: Literal["fineweb"] = "fineweb"
    """FineWeb's rules."""
    languages: Languages = ("en",)
    """Languages whose documents it judges: the bounds were found on English. The marks that end a line are those of all scripts; a
    line of Chinese or Japanese says as much in a third of the characters, so there set `short_line: 10`."""
    min_ended_lines: float = Field(default=0.12, ge=0, le=1)
    """Least share of lines that end with a mark that ends sentences."""
    max_short_lines: float = Field(default=0.67, ge=0, le=1)
    """Largest share of lines that are short."""
    short_line: int = Field(default=30, ge=1)
    """What is short: so many characters or fewer."""
    max_repeated: float = Field(default=0.01, ge=0, le=1)
    """Largest share of characters in lines that were there before."""
    max_newlines: float = Field(default=0.3, ge=0)
    """Most newlines for each word."""

    def measures(self) -> tuple[Measure, ...]:
        """Return the measure of lines for this length."""
        return (FineWeb(self.short_line),)

    def bounds(self) -> Sequence[Bound]:
        """Return the bounds in the paper's order."""
        named = FineWeb(self.short_line).named
        return (Bound(named("ended_lines"), "too few lines end a sentence", "min_ended_lines", least=self.min_ended_lines),
                Bound(named("short_lines"), "too many short lines", "max_short_lines", most=self.max_short_lines),
                Bound(named("fineweb_repeated_lines"), "characters in repeated lines", "max_repeated", most=self.max_repeated),
                Bound(named("newlines"), "too many newlines", "max_newlines", most=self.max_newlines))
