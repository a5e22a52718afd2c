"""What a measure is: columns of figures over documents, computed once in the `read` stage and kept in its artifact.

Rules decide later, from the columns alone. So a threshold can change and nothing is measured again; only a measure that nobody
asked for before is new work. Two steps that ask for equal measures (same class, same fields) share one.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from raylm.corpus.document import Document


@dataclass(frozen=True)
class Measure(ABC):
    """Columns over documents. A subclass is a frozen dataclass: its fields, if any, decide what the columns hold."""

    @property
    @abstractmethod
    def columns(self) -> Mapping[str, str]:
        """Arrow type (`double`, `string`, `binary`, ...) by column name. A measure with fields names its columns after them."""

    @abstractmethod
    def measure(self, documents: Sequence[Document]) -> dict[str, Sequence[Any]]:
        """Return for each column a value per document, None where there is none. Never raises for what a text may hold."""
