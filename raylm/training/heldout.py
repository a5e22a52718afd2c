"""The held-out text as a fixed set of windows per source, the same for every model that is measured on it."""

from typing import Any

import numpy as np
from torch import Tensor

from raylm.tokenizer.shards import TokenShards
from raylm.training.feed import as_batch


def heldout_windows(shards: TokenShards, source: str, length: int, limit: int) -> dict[str, Tensor] | None:
    """Return up to `limit` windows of a source's held-out documents as `ids`, `documents`, `labels` (windows, length).

    The windows are spread evenly over the held-out tokens. None if there are not enough tokens for one window.
    """
    tokens, documents = _joined(shards, source)
    windows = (len(tokens) - 1) // length
    if windows < 1:
        return None
    places = np.unique(np.linspace(0, windows - 1, min(limit, windows)).astype(np.int64)) * length
    return as_batch([(tokens[p:p + length + 1], documents[p:p + length + 1]) for p in places])


def bits_per_byte(loss: float, index: dict[str, Any], source: str) -> float:
    """Turn a held-out loss in nats per token into bits per byte, by the source's held-out tokens per byte."""
    heldout = index["sources"][source]["heldout"]
    return float(loss / np.log(2) * heldout["tokens"] / max(heldout["bytes"], 1))


def _joined(shards: TokenShards, source: str) -> tuple[Any, Any]:
    """A held-out split is small by design, so it is held in memory: tokens and the index of each one's document."""
    parts, sizes = shards.tokens(source, "heldout"), [np.diff(o) for o in shards.offsets(source, "heldout")]
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    lengths = np.concatenate(sizes)
    return np.concatenate([np.asarray(part, np.int64) for part in parts]), np.repeat(np.arange(len(lengths)), lengths)
