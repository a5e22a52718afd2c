"""How many of a list of stop words a document has: running text cannot do without."""

from dataclasses import dataclass

from raylm.corpus.document import Document
from raylm.corpus.measures.each import Each, Figure

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
"""Those of Gopher (Rae et al. 2021, appendix A.1)."""


@dataclass(frozen=True)
class StopWords(Each):
    """`stop_words`: how many different ones of the list are among the words, in the list's case."""

    listed: tuple[str, ...] = STOP_WORDS

    def names(self) -> tuple[str, ...]:
        """Return the column."""
        return ("stop_words",)

    def figures(self, document: Document) -> tuple[Figure, ...]:
        """Return the number."""
        return (float(len(set(self.listed).intersection(document.view.words))),)
