"""C4's page rules: placeholder text, code, too few sentences (Raffel et al. 2020, section 2.2)."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from raylm.corpus.c4_lines import STANDARD, LineRules
from raylm.corpus.language.codes import Languages
from raylm.corpus.measures.base import Measure
from raylm.corpus.measures.c4 import C4Page
from raylm.corpus.rules.base import Bound, Rule


class C4Rule(Rule):
    """Judges a page by the lines that C4's line rules keep of it; they change nothing here. (C4's bad words: the rule
    `keywords`.)"""

    do: Literal["c4"] = "c4"
    """C4's page rules."""
    languages: Languages = ("en",)
    """Languages whose documents it judges: words of a line are parted by white space, and the marks are those of Latin script. For
    Chinese or Japanese set `marks: ".?!\\"'。！？”’」』…"` and `min_line_words: 1`; Thai has no marks, so set `marks: ""`."""
    min_sentences: int = Field(default=5, ge=0)
    """Fewest sentences in the lines that are kept."""
    max_lorem_ipsum: int = Field(default=0, ge=0)
    """Most kept lines with `lorem ipsum`."""
    max_curly_brackets: int = Field(default=0, ge=0)
    """Most kept lines with `{`."""
    marks: str = STANDARD.marks
    """A line is kept if it ends with one of these characters and not with `...`; empty keeps all, as FineWeb (Penedo et al. 2024)
    does."""
    min_line_words: int = Field(default=STANDARD.min_words, ge=0)
    """A line is kept if it has so many words between white space."""
    max_word: int = Field(default=STANDARD.max_word, ge=1)
    """A line is kept if none of its words has more characters."""

    def measures(self) -> tuple[Measure, ...]:
        """Return the measure of pages for these line rules."""
        return (self._measure(),)

    def bounds(self) -> Sequence[Bound]:
        """Return `lorem ipsum`, `curly bracket`, `too few sentences`."""
        named = self._measure().named
        return (Bound(named("lorem_ipsum"), "lorem ipsum", "max_lorem_ipsum", most=self.max_lorem_ipsum),
                Bound(named("curly_brackets"), "curly bracket", "max_curly_brackets", most=self.max_curly_brackets),
                Bound(named("c4_sentences"), "too few sentences", "min_sentences", least=self.min_sentences))

    def _measure(self) -> C4Page:
        return C4Page(LineRules(self.marks, self.min_line_words, self.max_word))
