"""One document as rules, measures and models see it: its text after cleaning and masking, what its source said of it, and the
splits of its text, each made once however many ask. Splitting, not judging, is what filtering costs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from raylm.corpus.text import TextView

Content = Literal["code", "prose"]
Value = str | int | float | bool | None


@dataclass
class Document:
    """A cleaned text and what is known of it without looking into it."""

    text: str
    content: Content = "prose"
    source: str = ""
    """Name of its source in the recipe."""
    path: str = ""
    """Origin label and relative path; for code, its ending says the language."""
    url: str | None = None
    metadata: Mapping[str, Value] = field(default_factory=dict)
    """What the source carries besides the text (`likes`, `language`, ...), by the recipe's names."""
    masked: Mapping[str, int] = field(default_factory=dict)
    """Places masked, by kind of personal data."""

    @cached_property
    def view(self) -> TextView:
        """The text's words, lines, paragraphs and sentences."""
        return TextView(self.text)
