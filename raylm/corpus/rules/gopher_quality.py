"""Gopher's quality rules: does it look like running text (Rae et al. 2021, appendix A.1, "Quality Filtering")."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from raylm.corpus.language.codes import Languages
from raylm.corpus.measures.base import Measure
from raylm.corpus.measures.gopher_quality import GopherQuality
from raylm.corpus.measures.stop_words import STOP_WORDS, StopWords
from raylm.corpus.measures.words import Words
from raylm.corpus.rules.base import Bound, Rule


class GopherQualityRule(Rule):
    """The published bounds. Words are what white space parts; those of punctuation alone count only where a key says so."""

    do: Literal["gopher_quality"] = "gopher_quality"
    """Gopher's quality rules."""
    languages: Languages = ("en",)
    """Languages whose documents it judges. The bounds were made for English. In another spaced language give its own `stop_words`
    and word lengths; Chinese, Japanese and Thai words are of 1.5 to 4 characters, so there set `min_word_length: 1`."""
    min_words: int = Field(default=50, ge=0)
    """Fewest words."""
    max_words: int = Field(default=100_000, ge=1)
    """Most words."""
    min_word_length: float = Field(default=3, ge=0)
    """Least mean length of the words, characters."""
    max_word_length: float = Field(default=10, ge=0)
    """Largest mean length of the words, characters."""
    max_hashes: float = Field(default=0.1, ge=0)
    """Most hash signs for each word, those of punctuation among them."""
    max_ellipses: float = Field(default=0.1, ge=0)
    """Most ellipses for each word, those of punctuation among them."""
    max_bullet_lines: float = Field(default=0.9, ge=0, le=1)
    """Largest share of lines that begin with a bullet or a dash."""
    max_ellipsis_lines: float = Field(default=0.3, ge=0, le=1)
    """Largest share of lines that end with an ellipsis."""
    min_words_with_letters: float = Field(default=0.8, ge=0, le=1)
    """Least share of words, those of punctuation among them, that have a letter."""
    min_stop_words: int = Field(default=2, ge=0)
    """Fewest different stop words."""
    stop_words: tuple[str, ...] = Field(default=STOP_WORDS, min_length=1)
    """The stop words, in their case."""

    def measures(self) -> tuple[Measure, ...]:
        """Return the measures of words, symbols and stop words."""
        return (Words(), GopherQuality(), StopWords(self.stop_words))

    def bounds(self) -> Sequence[Bound]:
        """Return the bounds in the order of the paper."""
        return (
            Bound("words", "too few words", "min_words", least=self.min_words),
            Bound("words", "too many words", "max_words", most=self.max_words),
            Bound("word_length", "words too short", "min_word_length", least=self.min_word_length),
            Bound("word_length", "words too long", "max_word_length", most=self.max_word_length),
            Bound("hashes", "too many hashes", "max_hashes", most=self.max_hashes),
            Bound("ellipses", "too many ellipses", "max_ellipses", most=self.max_ellipses),
            Bound("bullet_lines", "too many bullets", "max_bullet_lines", most=self.max_bullet_lines),
            Bound("ellipsis_lines", "too many lines end in an ellipsis", "max_ellipsis_lines", most=self.max_ellipsis_lines),
            Bound("words_with_letters", "too few words with letters", "min_words_with_letters", least=self.min_words_with_letters),
            Bound(StopWords(self.stop_words).named("stop_words"), "too few stop words", "min_stop_words",
            least=self.min_stop_words), )
