"""What a tokenizer library must do for `text.Tokenizer`."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Backend(Protocol):
    """A loaded model; immutable, made again from `data`."""

    data: bytes
    """The model, as it is on disk."""
    vocabulary: int
    """One more than the largest id."""
    unknown: int | None
    """The id of what has no piece; None where that cannot happen."""
    special: list[str]
    """The special tokens, by id: no text is cut into them, and they stand for none."""

    def id_of(self, token: str) -> int | None:
        """Return the id of a piece or special token; None if there is none."""

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text; special tokens that are spelt out in it stay text."""

    def encode_many(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """Return the ids of each text (tokens,), equal to `encode`'s; faster than one call for each."""

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids, special tokens left out."""

    def piece(self, token: int) -> str:
        """Return one token as readable text (`<0x0A>` for a byte)."""

    def byte_lengths(self) -> NDArray[np.int64]:
        """Return how many UTF-8 bytes of text each id stands for (vocabulary,); 0 for special tokens."""
