"""What a document's characters are: letters, or numbers and symbols, or encoded data."""

import re
from dataclasses import dataclass

import numpy as np

from raylm.corpus.document import Document
from raylm.corpus.measures.each import Each, Figure, share

# Runs of base64 or hexadecimal, of escapes, of numbers, as StarCoder 2 (Lozhkov et al. 2024) looks for them. Each can only begin at
# the start of a run, which keeps the search linear.
_ENCODED = re.compile(
    r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/=]{60,}"
    r"|(?:\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}){16,}"
    r"|(?<![\w,])(?:(?:0x)?[0-9A-Fa-f]{1,8},\s{0,20}){64,}"
)
_LEAST = 60
"""Characters without white space in the shortest run, commas in the shortest run of numbers (64)."""


@dataclass(frozen=True)
class Characters(Each):
    """`letters`: share of the visible characters that are in words and no ASCII digit or underscore; `encoded`: share of all
    characters in runs of base64, hexadecimal, escapes or numbers.
    """

    def names(self) -> tuple[str, ...]:
        """Return the columns."""
        return ("letters", "encoded")

    def figures(self, document: Document) -> tuple[Figure, ...]:
        """Return the shares of one document."""
        text, view = document.text, document.view
        histogram = np.bincount(np.frombuffer(view.utf8, dtype=np.uint8), minlength=256)
        letters = sum(map(len, view.tokens)) - int(histogram[48:58].sum()) - int(histogram[95])
        runs = list(map(len, text.split()))
        # What cannot hold a match is not searched: the search costs more than all else here.
        may = max(runs, default=0) >= _LEAST or text.count(",") >= _LEAST or "\\x" in text or "\\u" in text
        encoded = sum(map(len, _ENCODED.findall(text))) if may else 0
        return share(letters, sum(runs)), share(encoded, len(text))
