"""Cutting text where no piece can reach across, so that each different stretch is tokenized once and then looked up.

Byte-pair merges on one side of such a place do not depend on the other side: pieces are joined by rank, and none joins the two.
Real text repeats its words, so a look-up answers nearly always, several times faster than merging anew. (Unigram is left out: its
sums of float32 scores depend on what stands before, which breaks ties differently.)
"""

import re
from array import array
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

LONGEST = 64
"""Characters; longer stretches are not kept."""
MOST = 400_000
"""Stretches kept (about 60 MB); then all are forgotten, and the frequent ones soon known again."""
# Each pattern cuts by looking at two neighbouring characters only: before a space, and the first also between a line break and a
# letter. Finer ones (letters from signs) would leave fewer different stretches, but cost more to cut by than they save.
_LINES = r"\n+(?:(?![^\W\d_])[^ \n]+)?"
_PATTERNS = (re.compile(rf" *(?:[^ \n]+|{_LINES})(?:{_LINES})*| +"), re.compile(r" *[^ ]+| +"))

EncodeMany = Callable[[list[str]], list[list[int]]]


class Segments:
    """The ids of each stretch of text seen so far."""

    def __init__(self, pattern: re.Pattern[str], encode: EncodeMany) -> None:
        """Take the pattern of the stretches and what tokenizes many of them."""
        self._find, self._encode = pattern.findall, encode
        self._known: dict[str, bytes] = {}

    @staticmethod
    def fitting(pieces: Iterable[str], encode: EncodeMany) -> "Segments | None":
        """Return how to tokenize with a model of these pieces (spaces as they are); None if its pieces reach across words."""
        long = [piece for piece in pieces if len(piece) > 1]
        for pattern in _PATTERNS:
            if all((match := pattern.match(piece)) and match.end() == len(piece) for piece in long):
                return Segments(pattern, encode)
        return None

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """Return the ids of each text (tokens,)."""
        found = list(map(self._find, texts))
        new = list(set().union(*found).difference(self._known))
        if new:
            self._known.update(zip(new, (array("i", ids).tobytes() for ids in self._encode(new)), strict=True))
        known = self._known.__getitem__
        result = [np.frombuffer(b"".join(map(known, stretches)), np.int32) for stretches in found]
        if len(self._known) > MOST:
            self._known.clear()
        for stretch in new:
            if len(stretch) > LONGEST:
                self._known.pop(stretch, None)
        return result
