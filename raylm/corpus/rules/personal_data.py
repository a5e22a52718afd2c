"""Documents that are about people's data: a few places are masked and the text stays, but what holds many, a list of members, a
leaked table, is nothing to learn from even with the places masked.
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, field_validator

from raylm.corpus.masks import MASKS
from raylm.corpus.measures.base import Measure
from raylm.corpus.measures.personal_data import PersonalData
from raylm.corpus.rules.base import Bound, Rule


class PersonalDataRule(Rule):
    """A bound on the places that were masked: five are replaced, six drop the document."""

    do: Literal["personal_data"] = "personal_data"
    most: int = Field(default=5, ge=0)
    """Places masked in a document that stays."""
    kinds: tuple[str, ...] = ()
    """Kinds that count, by their switches in `corpus.mask`; empty means all."""

    def masks_asked(self) -> tuple[str, ...]:
        """Return the kinds."""
        return self.kinds

    @field_validator("kinds")
    @classmethod
    def _known(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(kinds) - set(MASKS)):
            raise ValueError(f"no mask is called {', '.join(unknown)}; there are {', '.join(MASKS)}")
        return kinds

    def measures(self) -> tuple[Measure, ...]:
        """Return the number of places masked of these kinds."""
        return (PersonalData(tuple(sorted(set(self.kinds)))),)

    def bounds(self) -> Sequence[Bound]:
        """Return `personal data`."""
        column, = self.measures()[0].columns
        return (Bound(column, "personal data", "most", most=self.most),)
