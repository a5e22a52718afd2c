"""The held-out text as a fixed set of windows per source, the same for every model that is measured on it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from raylm.tokenizer.shards import TokenShards
from raylm.training.feed import as_batch


def heldout_windows(shards: TokenShards, source: str, length: int, limit: int) -> dict[str, Tensor] | None:
    """Return up to `limit` windows of a source's held-out documents as `ids`, `documents`, `labels`: int64 (windows, length).

    The windows are spread evenly over the held-out tokens, and no others are read. A split that is shorter than one window is
    one window of what there is: a rough figure, but a real one. None if there is nothing to predict.
    """
    text = _Text(shards.tokens(source, "heldout"), shards.offsets(source, "heldout"))
    length = min(length, text.size - 1)
    if length < 1:
        return None
    windows = (text.size - 1) // length
    places = np.unique(np.linspace(0, windows - 1, min(limit, windows)).astype(np.int64)) * length
    return as_batch([text.cut(place, place + length + 1) for place in places.tolist()])


def bits_per_byte(loss: float, index: dict[str, Any], source: str) -> float:
    """Turn a held-out loss in nats per token into bits per byte, by the source's held-out tokens per byte."""
    heldout = index["sources"][source]["heldout"]
    return float(loss / np.log(2) * heldout["tokens"] / max(heldout["bytes"], 1))


class _Text:
    """Memory-mapped shards read as one text, its tokens and its documents numbered through; nothing is copied to join them."""

    def __init__(self, tokens: list[NDArray], offsets: list[NDArray]) -> None:
        self.tokens, self.offsets = tokens, offsets
        self.begins = np.cumsum([0, *map(len, tokens)])
        self.documents = np.cumsum([0, *(len(borders) - 1 for borders in offsets)])
        self.size = int(self.begins[-1])

    def cut(self, first: int, last: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Tokens `first` to `last` and the document of each, (last - first,) each."""
        shard = int(np.searchsorted(self.begins, first, side="right")) - 1
        tokens, documents = [], []
        while first < last:
            begin, end = int(self.begins[shard]), min(last, int(self.begins[shard + 1]))
            places = np.arange(first - begin, end - begin)
            tokens.append(np.asarray(self.tokens[shard][first - begin:end - begin], np.int64))
            within = np.searchsorted(self.offsets[shard], places, side="right") - 1
            documents.append(within + self.documents[shard])
            first, shard = end, shard + 1
        return np.concatenate(tokens), np.concatenate(documents)
