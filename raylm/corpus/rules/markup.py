"""Prose with markup left in it: broken extraction, wiki sources, unrendered templates."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from raylm.corpus.measures.base import Measure
from raylm.corpus.measures.markup import Markup
from raylm.corpus.rules.base import Bound, Rule


class MarkupRule(Rule):
    """A bound on leftover markup in prose."""

    do: Literal["markup"] = "markup"
    max: float = Field(default=0.1, ge=0, le=1)
    """Largest share of characters in HTML tags and entities, wiki templates and links, and the signs of Markdown and forums.
    Extracted pages have 0, a Markdown file 0.01 to 0.05, unrendered wiki text 0.2."""

    def measures(self) -> tuple[Measure, ...]:
        """Return the share of markup."""
        return (Markup(),)

    def bounds(self) -> Sequence[Bound]:
        """Return `leftover markup`."""
        return (Bound("markup", "leftover markup", "max", most=self.max),)
