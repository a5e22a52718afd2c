"""The text that losses are measured on: the beginnings of whole held-out documents, the same for every checkpoint.

Bits per byte needs the bytes that a window's tokens stand for, so a window is counted in the text that it decodes to.
"""

from dataclasses import dataclass

import numpy as np

from raylm.tokenizer.shards import TokenShards
from raylm.tokenizer.text import Tokenizer

REPLACEMENT = "\ufffd"


@dataclass(frozen=True)
class Window:
    """The beginning of one held-out document."""

    source: str
    ids: list[int]
    """From <s> on, to </s> where the document is short enough. At least two."""
    size: int
    """UTF-8 bytes of the text that the ids stand for; at least 1."""


def heldout_windows(shards: TokenShards, tokenizer: Tokenizer, per_source: int, length: int) -> list[Window]:
    """Return at most `per_source` windows of each source, of documents spread evenly over its held-out split.

    Documents without text are passed over. A character that the cut divides does not count into the bytes.
    """
    found = []
    for source in shards.sources:
        tokens, offsets = shards.tokens(source, "heldout"), shards.offsets(source, "heldout")
        ends = np.cumsum([len(borders) - 1 for borders in offsets]) if offsets else np.zeros(0, np.int64)
        for document in spread(int(ends[-1]) if len(ends) else 0, per_source):
            part = int(np.searchsorted(ends, document, side="right"))
            row = document - (int(ends[part - 1]) if part else 0)
            first, last = int(offsets[part][row]), int(offsets[part][row + 1])
            window = as_window(source, tokens[part][first:min(last, first + length)].tolist(), tokenizer)
            if window is not None:
                found.append(window)
    return found


def spread(count: int, wanted: int) -> list[int]:
    """Return `wanted` of `count` positions, evenly spread; all of them if there are no more."""
    if count <= wanted:
        return list(range(count))
    return [(2 * i + 1) * count // (2 * wanted) for i in range(wanted)]


def as_window(source: str, ids: list[int], tokenizer: Tokenizer) -> Window | None:
    """Return the window of these ids, or None if they hold nothing to predict or no text."""
    size = len(tokenizer.decode(ids).rstrip(REPLACEMENT).encode())
    return Window(source, ids, size) if len(ids) >= 2 and size else None
