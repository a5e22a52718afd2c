"""Words and sentences that come again and again: stuck keyboards, spam, broken generators."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raylm.corpus.document import Document
from raylm.corpus.measures.each import Each, Figure

_LONGEST = 10
"""Words in a sequence that is looked for in a row."""


@dataclass(frozen=True)
class Repeats(Each):
    """`repeated_in_a_row`: most times that a sequence of one to ten words follows on itself; `repeated_word`, `repeated_sentence`:
    occurrences of the most frequent one, anywhere.
    """

    def names(self) -> tuple[str, ...]:
        """Return the columns."""
        return ("repeated_in_a_row", "repeated_word", "repeated_sentence")

    def figures(self, document: Document) -> tuple[Figure, ...]:
        """Return the numbers for one document."""
        view = document.view
        ids = view.word_ids
        most = int(np.bincount(ids).max()) if len(ids) else 0
        sentences = max(Counter(view.sentences).values(), default=0)
        # What follows on itself so often is there so often.
        row = in_a_row(ids) if most > 2 else 1
        return float(row), float(most), float(sentences)


def in_a_row(ids: npt.NDArray[np.int64]) -> int:
    """Return how often at most a sequence of one to ten numbers follows on itself: 3 for `a b a b a b` and for `c c c`."""
    most = 1
    for length in range(1, min(_LONGEST, len(ids) // 2) + 1):
        same = ids[length:] == ids[:-length]
        if np.count_nonzero(same) < most * length:
            continue
        differs = np.flatnonzero(~same)
        edges = np.concatenate(([-1], differs, [len(ids) - length]))
        most = max(most, (int(np.diff(edges).max()) - 1) // length + 1)
    return most
