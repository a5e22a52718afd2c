"""What an identifier is: a model that says of a short text how likely each of our languages is.

One file each and a line in `IDENTIFIERS`. Models are loaded at the first question, once per process.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Evidence = NDArray[np.float64]
"""(languages,) log-probabilities in the order of `codes.LANGUAGES`; NaN where the identifier does not know the language."""


class Identifier(ABC):
    """One voice in the vote. Deterministic, and never raises for what a text may hold."""

    name: ClassVar[str]
    package: ClassVar[str | None] = None
    """What to install for it, if it does not come with raylm."""
    weight: ClassVar[float] = 1.0
    """Factor of its log-probabilities in the sum (`vote`)."""
    unknown: ClassVar[float] = -4.0
    """Log-probability that the vote assumes for a language it does not know."""

    alone: ClassVar[bool] = True
    """Whether it can name a language by itself, or only choose between neighbours."""

    @abstractmethod
    def evidence(self, text: str) -> Evidence | None:
        """Return the log-probabilities of the languages for a text, or None where it has nothing to say."""
