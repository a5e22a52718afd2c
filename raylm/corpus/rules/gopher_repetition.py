"""Gopher's repetition rules: paragraphs, lines and n-grams that come again (Rae et al. 2021, appendix A.1, table A1)."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from raylm.corpus.measures.base import Measure
from raylm.corpus.measures.gopher_repetition import REPEATED, TOP, GopherRepetition
from raylm.corpus.rules.base import Bound, Rule


def _most(value: float) -> float:
    field: float = Field(default=value, ge=0, le=1)
    return field


class GopherRepetitionRule(Rule):
    """The published bounds on shares. They bind all languages: in Chinese, Japanese and Thai the n-grams are of segmented words."""

    do: Literal["gopher_repetition"] = "gopher_repetition"
    """Gopher's repetition rules."""
    max_paragraphs: float = _most(0.3)
    """Paragraphs, between blank lines, that were there before: largest share of all paragraphs."""
    max_paragraph_characters: float = _most(0.2)
    """Characters in them: largest share of the text."""
    max_lines: float = _most(0.3)
    """Lines that were there before: largest share of all lines that are not empty."""
    max_line_characters: float = _most(0.2)
    """Characters in them: largest share of the text."""
    max_top_2_gram: float = _most(0.2)
    """Characters in the occurrences of the most frequent pair of words: largest share of the text."""
    max_top_3_gram: float = _most(0.18)
    """The same for three words."""
    max_top_4_gram: float = _most(0.16)
    """The same for four words."""
    min_times: int = Field(default=1, ge=1)
    """How often the most frequent sequence must be there to count. 1 is as published, and made for pages of 50 words and more: of
    ten words each pair is a fifth. 2 keeps short texts, such as poems, that repeat nothing."""
    max_repeated_5_grams: float = _most(0.15)
    """Characters in sequences of five words that were there before: largest share of the text."""
    max_repeated_6_grams: float = _most(0.14)
    """The same for six words."""
    max_repeated_7_grams: float = _most(0.13)
    """The same for seven words."""
    max_repeated_8_grams: float = _most(0.12)
    """The same for eight words."""
    max_repeated_9_grams: float = _most(0.11)
    """The same for nine words."""
    max_repeated_10_grams: float = _most(0.1)
    """The same for ten words."""

    def measures(self) -> tuple[Measure, ...]:
        """Return the measure of repetition."""
        return (GopherRepetition(self.min_times),)

    def bounds(self) -> Sequence[Bound]:
        """Return the bounds in the order of the table, paragraphs first."""
        stated = (
            ("repeated_paragraphs", "repeated paragraphs", "max_paragraphs"),
            ("repeated_paragraph_characters", "characters in repeated paragraphs", "max_paragraph_characters"),
            ("repeated_line_count", "repeated lines", "max_lines"),
            ("repeated_line_characters", "characters in repeated lines", "max_line_characters"),
            *((f"top_{n}_gram", f"one {n}-gram too frequent", f"max_top_{n}_gram") for n in TOP),
            *((f"repeated_{n}_grams", f"repeated {n}-grams", f"max_repeated_{n}_grams") for n in REPEATED),
        )
        named = GopherRepetition(self.min_times).named
        return tuple(Bound(named(column), reason, key, most=getattr(self, key)) for column, reason, key in stated)
