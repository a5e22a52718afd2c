"""What a rule is: a step that removes documents by what was measured of them. It states its thresholds as `Bound`s, so that the
decision, the histogram with the threshold drawn in and the what-if table all come from one place.

Reasons are fixed phrases: they become the statistics of the report.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from raylm.corpus.steps.base import Step

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Bound:
    """One threshold on one column: a document whose value is below `least` or above `most` goes. No value, no objection."""

    column: str
    reason: str
    key: str
    """The rule's key in the recipe that holds the threshold."""
    least: float | None = None
    most: float | None = None
    content: str | None = None
    """`code` or `prose`, where it binds only one of them."""
    language: str | None = None
    """The one language that it binds, as a threshold taken from that language's own documents does."""


class Rule(Step):
    """A rule. Its fields are its thresholds. Most need `measures` and `bounds` only."""

    def bounds(self) -> Sequence[Bound]:
        """Return the thresholds in the order in which they are asked; the first that a document breaks gives its reason."""
        return ()

    def columns(self) -> tuple[str, ...]:
        """Return the columns, besides those of its measures, that `reasons` reads: `url`, `metadata`, a model's score."""
        return ()

    def reasons(self, rows: "pa.Table") -> list[str | None]:
        """Return for each row the reason why it should go, or None to keep it. For what bounds cannot say."""
        from raylm.corpus.rules.deciding import first_broken

        return first_broken(self.bounds(), rows)
