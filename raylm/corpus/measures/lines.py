"""The lines of a document: how long they are, and how much of it is in lines that were there before."""

from dataclasses import dataclass

from raylm.corpus.document import Document
from raylm.corpus.measures.each import Each, Figure, share

_SHORT = 8


@dataclass(frozen=True)
class Lines(Each):
    """`lines` that are not blank; `longest_line` in characters, blanks included; `mean_line`: characters per line that is not
    blank, stripped; `repeated_lines`: share of the characters of these lines that are in a repetition of a line of more than
    eight characters.
    """

    def names(self) -> tuple[str, ...]:
        """Return the columns."""
        return ("lines", "longest_line", "mean_line", "repeated_lines")

    def figures(self, document: Document) -> tuple[Figure, ...]:
        """Return the figures of one document."""
        lines = document.view.lines
        characters = sum(map(len, lines))
        # Closing brackets, `else:` and rules of dashes repeat in every good file.
        longer = [line for line in lines if len(line) > _SHORT]
        repeated = sum(map(len, longer)) - sum(map(len, set(longer)))
        longest = max(map(len, document.view.raw_lines))
        return float(len(lines)), float(longest), share(characters, len(lines)), share(repeated, characters)
