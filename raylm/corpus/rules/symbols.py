"""Documents full of hashes and ellipses: tag clouds, lists of truncated teasers."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from raylm.corpus.measures.base import Measure
from raylm.corpus.measures.symbols import Symbols
from raylm.corpus.rules.base import Bound, Rule


class SymbolsRule(Rule):
    """The textbook's bound on symbols for each word. (Gopher bounds hashes and ellipses apart: `gopher_quality`.)"""

    do: Literal["symbols"] = "symbols"
    """Too many hashes and ellipses."""
    symbols: tuple[str, ...] = Field(default=Symbols().listed, min_length=1)
    """The strings that count, all together."""
    max: float = Field(default=0.1, ge=0)
    """Most of them for each word. Chinese, Japanese and Thai words are segmented, so it binds all languages."""

    def measures(self) -> tuple[Measure, ...]:
        """Return the ratio for these symbols."""
        return (Symbols(self.symbols),)

    def bounds(self) -> Sequence[Bound]:
        """Return `too many symbols`."""
        return (Bound(Symbols(self.symbols).named("symbols"), "too many symbols", "max", most=self.max),)
