"""The language that every document carries: the columns that scopes, rules and models ask for, however it was identified."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from raylm.corpus.document import Document
from raylm.corpus.measures.base import Measure

MODES = ("vote", "fast", "off")
"""How the language is identified, where no identifiers are named."""
COLUMNS = {"language": "string", "language_score": "double", "language_lines": "double"}


@dataclass(frozen=True)
class Identified(Measure):
    """`language` (ISO 639-1, "" unknown), `language_score` (0 to 1) and `language_lines` (share of the text, line by line, in
    it)."""

    mode: str | tuple[str, ...]
    """One of `MODES`, or the names of the identifiers that vote, as `corpus.language`."""

    @property
    def columns(self) -> Mapping[str, str]:
        """Return the three columns."""
        return COLUMNS

    def measure(self, documents: Sequence[Document]) -> dict[str, Sequence[Any]]:
        """Return them; without identification an unknown language.

        Raises:
            UserError: the package of an identifier is not installed.
        """
        if self.mode == "off":
            nothing = [None] * len(documents)
            return {"language": [""] * len(documents), "language_score": nothing, "language_lines": nothing}
        from raylm.corpus.language import FAST, VOTE, Language

        members = {"vote": VOTE, "fast": FAST}[self.mode] if isinstance(self.mode, str) else self.mode
        found = Language(members).measure(documents)
        return dict(zip(COLUMNS, found.values(), strict=True))
