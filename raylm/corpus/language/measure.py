"""The language of documents as columns, for the rule `language` and for whatever binds certain languages only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from raylm.corpus.document import Document
from raylm.corpus.language.identify import VOTE, identify
from raylm.corpus.language.lines import language_share
from raylm.corpus.measures.base import Measure


@dataclass(frozen=True)
class Language(Measure):
    """`language` ("" unknown), `language_score` (0 to 1), `language_lines`: the share of it, line by line, in that language.

    With identifiers other than the default the columns carry their names: `language_cld2`, `language_score_cld2`, ... Documents of
    content `code` are asked too: the answer is the language of their comments and names, mostly English.
    """

    members: tuple[str, ...] = VOTE
    """Names of the identifiers that vote."""

    @property
    def _suffix(self) -> str:
        return "" if self.members == VOTE else "_" + "_".join(self.members)

    @property
    def columns(self) -> Mapping[str, str]:
        """Three columns."""
        return {f"language{self._suffix}": "string", f"language_score{self._suffix}": "double",
                f"language_lines{self._suffix}": "double"}

    def measure(self, documents: Sequence[Document]) -> dict[str, Sequence[Any]]:
        """Return language, score and share for each document; the share is None where no line tells."""
        texts = [document.text for document in documents]
        languages, scores = identify(texts, self.members)
        lines = [language_share(text, language) if language else None for text, language in zip(texts, languages, strict=True)]
        return dict(zip(self.columns, (languages, scores, lines), strict=True))
