"""A measure that looks at one document at a time, and how measures with fields name their columns."""

import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from raylm.corpus.document import Document
from raylm.corpus.measures.base import Measure

Figure = float | None


@dataclass(frozen=True)
class Each(Measure):
    """Columns of floats, filled a document at a time."""

    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Return the columns, before `named`."""

    @abstractmethod
    def figures(self, document: Document) -> tuple[Figure, ...]:
        """Return a document's value for each of `names`; None where there is none, as a share of nothing."""

    def named(self, column: str) -> str:
        """Return a column's name in the artifact: with a mark of the fields that are not as by default, if there are any."""
        changed = [(field.name, getattr(self, field.name)) for field in fields(self) if getattr(self, field.name) != field.default]
        return f"{column}_{hashlib.sha256(repr(changed).encode()).hexdigest()[:8]}" if changed else column

    @property
    def columns(self) -> Mapping[str, str]:
        """The names, all of floats."""
        return {self.named(name): "double" for name in self.names()}

    def measure(self, documents: Sequence[Document]) -> dict[str, Sequence[Any]]:
        """Return the figures by column."""
        rows = [self.figures(document) for document in documents]
        columns = list(self.columns)
        return {column: [row[index] for row in rows] for index, column in enumerate(columns)}


def share(part: float, whole: float) -> Figure:
    """Return `part / whole`, None if there is no whole."""
    return part / whole if whole else None
