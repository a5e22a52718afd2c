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
    """Leftover markup."""
    markdown: bool = False
    """Whether Markdown's signs and the addresses of its links count too; a README is good text with a tenth of them."""
    max: float = Field(default=0.1, ge=0, le=1)
    """Largest share of characters in HTML tags and entities, wiki templates and links, and forums' signs. Extracted pages have 0,
    pages as fetched more than a half."""

    def measures(self) -> tuple[Measure, ...]:
        """Return the share of markup."""
        return (Markup(self.markdown),)

    def bounds(self) -> Sequence[Bound]:
        """Return `leftover markup`."""
        return (Bound(Markup(self.markdown).named("markup"), "leftover markup", "max", most=self.max),)
