"""How much there is of a document, in the tokens that near-duplicate search compares."""

from dataclasses import dataclass

from raylm.corpus.document import Document
from raylm.corpus.measures.each import Each, Figure


@dataclass(frozen=True)
class Tokens(Each):
    """`tokens`: words without punctuation, a character of Chinese, Japanese or Thai counting as one."""

    def names(self) -> tuple[str, ...]:
        """Return the column."""
        return ("tokens",)

    def figures(self, document: Document) -> tuple[Figure, ...]:
        """Return the number."""
        return (float(len(document.view.tokens)),)
