"""How many words a document has: the textbook drops wiki pages of fewer than 25, Gopher web pages of fewer than 50."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from raylm.corpus.measures.base import Measure
from raylm.corpus.measures.words import Words
from raylm.corpus.rules.base import Bound, Rule


class WordsRule(Rule):
    """Bounds on the number of words, for the sources that it names."""

    do: Literal["words"] = "words"
    """Too few words, too many words."""
    min: int = Field(default=25, ge=0)
    """Fewest words. They are what white space parts, without those of punctuation alone; Chinese, Japanese and Thai are
    segmented."""
    max: int | None = Field(default=None, ge=1)
    """Most words; by default any number."""

    def measures(self) -> tuple[Measure, ...]:
        """Return the count of words."""
        return (Words(),)

    def bounds(self) -> Sequence[Bound]:
        """Return `too few words` and `too many words`."""
        return (Bound("words", "too few words", "min", least=self.min),
                *((Bound("words", "too many words", "max", most=self.max),) if self.max is not None else ()))
