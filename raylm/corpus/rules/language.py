"""Documents in other languages, in a language that is not sure, or in several (CCNet, Wenzek et al. 2020; FineWeb asks for
0.65)."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from raylm.corpus.language.codes import Languages
from raylm.corpus.rules.base import Bound, Rule

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa


class LanguageRule(Rule):
    """Decides from the identified language, how sure it is, and how much of the text is in lines of that language."""

    needs_language: ClassVar[bool] = True
    do: Literal["language"] = "language"
    """Another language than wanted, or one that is not sure."""
    allowed: Languages = ()
    """Languages that stay (ISO 639-1); empty means all that have a name."""
    blocked: Languages = ()
    """Languages that go."""
    unknown: bool = False
    """Whether a document stays that no language was found for, as in a list of numbers."""
    min_score: float = Field(default=0.65, ge=0, le=1)
    """Least probability that the language is the right one."""
    min_lines: float = Field(default=0, ge=0, le=1)
    """Least share of the characters in lines of the document's language; 0.5 drops pages in several."""

    def columns(self) -> tuple[str, ...]:
        """Return what is known of every document's language."""
        return ("language", "language_score", "language_lines")

    def bounds(self) -> tuple[Bound, ...]:
        """Return `language not sure` and `several languages`, asked after the language itself."""
        return (Bound("language_score", "language not sure", "min_score", least=self.min_score),
                Bound("language_lines", "several languages", "min_lines", least=self.min_lines))

    def refusals(self, rows: "pa.Table") -> list[str | None]:
        """Return `language unknown`, `other language` or None for each row."""
        return [self._named(language) for language in rows["language"].to_pylist()]

    def binds(self, rows: "pa.Table") -> "npt.NDArray[np.bool_]":
        """Return which rows are in a language: nothing is sure of the others."""
        import numpy as np

        return np.array([bool(language) for language in rows["language"].to_pylist()], dtype=bool)

    def _named(self, language: str | None) -> str | None:
        if not language:
            return None if self.unknown else "language unknown"
        return "other language" if language in self.blocked or (self.allowed and language not in self.allowed) else None
