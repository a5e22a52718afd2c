"""How a document's lines end, how short they are and how often they repeat, after FineWeb (Penedo et al. 2024, section 3.6)."""

from dataclasses import dataclass

from raylm.corpus.document import Document
from raylm.corpus.marks import SENTENCE_ENDS
from raylm.corpus.measures.each import Each, Figure, share


@dataclass(frozen=True)
class FineWeb(Each):
    """Of the lines that are not blank: `ended_lines`: share that end with what ends a sentence in any script; `short_lines`:
    share of at most `short` characters; `fineweb_repeated_lines`: characters in repeated lines, as share of all but newlines. And
    `newlines` for each word.
    """

    short: int = 30

    def names(self) -> tuple[str, ...]:
        """Return the columns."""
        return ("ended_lines", "short_lines", "fineweb_repeated_lines", "newlines")

    def figures(self, document: Document) -> tuple[Figure, ...]:
        """Return the figures of one document; no text, no shares."""
        view = document.view
        lines = [line for line in view.raw_lines if line and not line.isspace()]
        newlines, different = len(view.raw_lines) - 1, set(lines)
        repeated = sum(map(len, lines)) - sum(map(len, different)) if len(different) < len(lines) else 0
        return (share(sum(line[-1] in SENTENCE_ENDS for line in lines), len(lines)),
                share(sum(len(line) <= self.short for line in lines), len(lines)),
                share(repeated, len(document.text) - newlines), share(newlines, len(view.words)))
