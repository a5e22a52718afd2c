"""How many symbols a document has for each word."""

from dataclasses import dataclass

from raylm.corpus.document import Document
from raylm.corpus.measures.each import Each, Figure, share


@dataclass(frozen=True)
class Symbols(Each):
    """`symbols`: occurrences of the listed strings, all together, divided by the words."""

    listed: tuple[str, ...] = ("#", "...", "…")

    def names(self) -> tuple[str, ...]:
        """Return the column."""
        return ("symbols",)

    def figures(self, document: Document) -> tuple[Figure, ...]:
        """Return the ratio, which may be above 1."""
        return (share(sum(map(document.text.count, self.listed)), len(document.view.words)),)
