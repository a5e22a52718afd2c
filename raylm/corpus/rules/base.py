"""What a rule is: a step that removes documents by what was measured of them. It states its thresholds as `Bound`s, so that the
decision, the histogram with the threshold drawn in and the what-if table all come from one place.

Reasons are fixed phrases: they become the statistics of the report.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from raylm.corpus.steps.base import Step

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
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

    def refusals(self, rows: "pa.Table") -> list[str | None]:
        """Return for each row a reason to go that no bound says, or None. It comes before the bounds."""
        return [None] * rows.num_rows

    def binds(self, rows: "pa.Table") -> "npt.NDArray[np.bool_]":
        """Return which rows the bounds bind: all, but for a rule that says otherwise."""
        import numpy as np

        return np.ones(rows.num_rows, dtype=bool)

    def reasons(self, rows: "pa.Table") -> list[str | None]:
        """Return for each row the reason why it should go, or None to keep it."""
        from raylm.corpus.rules.deciding import first_reasons

        return first_reasons(self.refusals(rows), self.bounds(), self.binds(rows), rows)
