"""Documents without the words that running text cannot do without: lists, tables, keyword spam."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from raylm.corpus.language.codes import Languages
from raylm.corpus.measures.base import Measure
from raylm.corpus.measures.stop_words import STOP_WORDS, StopWords
from raylm.corpus.rules.base import Bound, Rule


class StopWordsRule(Rule):
    """The textbook's rule: no stop word of *the, be, to, of, and, that, have, with*. (Gopher asks for two: `gopher_quality`.)"""

    do: Literal["stop_words"] = "stop_words"
    """No stop words."""
    languages: Languages = ("en",)
    """Languages whose documents it judges: the default words are English. Name another together with its `words`."""
    words: tuple[str, ...] = Field(default=STOP_WORDS, min_length=1)
    """The stop words, in their case; Chinese, Japanese and Thai ones as their segmenter cuts them."""
    min: int = Field(default=1, ge=0)
    """Fewest different ones."""

    def measures(self) -> tuple[Measure, ...]:
        """Return the count of these words."""
        return (StopWords(self.words),)

    def bounds(self) -> Sequence[Bound]:
        """Return `no stop words`."""
        return (Bound(StopWords(self.words).named("stop_words"), "no stop words", "min", least=self.min),)
