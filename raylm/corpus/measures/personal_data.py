"""How many places of a document held personal data before they were masked."""

from dataclasses import dataclass

from raylm.corpus.document import Document
from raylm.corpus.measures.each import Each, Figure


@dataclass(frozen=True)
class PersonalData(Each):
    """`personal_data`: places masked in the document, of some kinds or of all."""

    kinds: tuple[str, ...] = ()
    """Kinds of `MASKS`, sorted; empty means all."""

    def names(self) -> tuple[str, ...]:
        """Return the column."""
        return ("personal_data",)

    def figures(self, document: Document) -> tuple[Figure, ...]:
        """Return the number of places."""
        return (float(sum(count for kind, count in document.masked.items() if not self.kinds or kind in self.kinds)),)
