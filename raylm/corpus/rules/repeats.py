"""Documents in which a word or a sentence comes more than a hundred times: stuck keyboards, spam, broken generators."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from raylm.corpus.measures.base import Measure
from raylm.corpus.measures.repeats import Repeats
from raylm.corpus.rules.base import Bound, Rule


class RepeatsRule(Rule):
    """The textbook's rule, with the repetitions of words in a row as Dolma counts them (Soldaini et al. 2024, section 5.1.2).

    Counted anywhere, `the` alone would remove every English document of 2,000 words; so that reading has no default.
    """

    do: Literal["repeats"] = "repeats"
    """A word or sentence again and again."""
    max_in_a_row: int = Field(default=100, ge=1)
    """Most times that a word, or a sequence of up to ten words, follows on itself."""
    max_sentence: int = Field(default=100, ge=1)
    """Most occurrences of one sentence, anywhere."""
    max_word: int | None = Field(default=None, ge=1)
    """Most occurrences of one word, anywhere; only for sources of short documents, such as messages."""

    def measures(self) -> tuple[Measure, ...]:
        """Return the count of repetitions."""
        return (Repeats(),)

    def bounds(self) -> Sequence[Bound]:
        """Return `words repeated in a row`, `one sentence repeated`, `one word repeated`."""
        word = (Bound("repeated_word", "one word repeated", "max_word", most=self.max_word),) if self.max_word is not None else ()
        return (Bound("repeated_in_a_row", "words repeated in a row", "max_in_a_row", most=self.max_in_a_row),
                Bound("repeated_sentence", "one sentence repeated", "max_sentence", most=self.max_sentence), *word)
