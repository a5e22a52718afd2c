"""What a source says of its documents: the textbook drops forum posts with fewer than 3 likes."""

import json
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from raylm.corpus.rules.base import Rule

if TYPE_CHECKING:
    import pyarrow as pa

    from raylm.corpus.document import Value


class FieldRule(Rule):
    """Bounds on one of the values that a source's `columns` carry. A document without it stays, and so does a text that is no
    number where only `min` and `max` are given."""

    do: Literal["field"] = "field"
    """A value that the source carries."""
    field: str = Field(min_length=1)
    """Its name in the recipe, such as `likes`."""
    min: float | None = None
    """Least number."""
    max: float | None = None
    """Largest number."""
    allowed: tuple[str, ...] = ()
    """Texts that it may be, numbers as JSON writes them; none given means any."""
    blocked: tuple[str, ...] = ()
    """Texts that it may not be."""

    @model_validator(mode="after")
    def _some(self) -> "FieldRule":
        if self.min is None and self.max is None and not self.allowed and not self.blocked:
            raise ValueError("at least one of `min`, `max`, `allowed`, `blocked`")
        return self

    def columns(self) -> tuple[str, ...]:
        """Return where the values are."""
        return ("metadata",)

    def refusals(self, rows: "pa.Table") -> list[str | None]:
        """Return `FIELD too low`, `FIELD too high`, `FIELD not allowed` or None for each row."""
        return [self._reason(json.loads(text).get(self.field) if text else None) for text in rows["metadata"].to_pylist()]

    def _reason(self, value: "Value") -> str | None:
        if value is None:
            return None
        # A reader of CSV takes what looks like a number for one, and a list in the recipe has texts only.
        text = value if isinstance(value, str) else json.dumps(value)
        if text in self.blocked or (self.allowed and text not in self.allowed):
            return f"{self.field} not allowed"
        number = _number(value) if isinstance(value, str) else value
        if isinstance(number, str):
            return None
        if self.min is not None and number < self.min:
            return f"{self.field} too low"
        return f"{self.field} too high" if self.max is not None and number > self.max else None


def _number(text: str) -> float | str:
    """Return the number that a text is: CSV files have no others."""
    try:
        return float(text)
    except ValueError:
        return text
