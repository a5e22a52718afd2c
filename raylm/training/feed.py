"""Training windows as a pure function of (seed, source weights, sample index): exact resume on any number of workers is an integer.

Every source is one stream of its documents, shuffled and cut into windows anew each epoch; the windows are shuffled too, or a
book would fill a thousand steps in a row. Which source a sample comes from follows a fixed pattern of `PATTERN` samples that holds
each source in its exact share, spread evenly, so the position within the source is arithmetic and no sample is ever seen twice or
left out.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raylm.errors import UserError
from raylm.tokenizer.shards import TokenShards

PATTERN = 4096


def interleave(weights: dict[str, float]) -> tuple[list[str], NDArray[np.int32], NDArray[np.int64]]:
    """Return the pattern of sources: names, the source of each of `PATTERN` places, and its rank among that source's places.

    Shares are rounded to 1/`PATTERN` by largest remainder; each source's places are spread evenly.

    Raises:
        UserError: no source has a positive weight.
    """
    names = sorted(name for name, weight in weights.items() if weight > 0)
    if not names:
        raise UserError("mixture: no source has a positive weight")
    shares = np.array([weights[name] for name in names], dtype=np.float64)
    exact = shares / shares.sum() * PATTERN
    counts = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - counts), kind="stable")
    counts[order[: PATTERN - counts.sum()]] += 1
    due = np.concatenate([(np.arange(n) + 0.5) / max(n, 1) for n in counts])
    source = np.repeat(np.arange(len(names)), counts)
    rank = np.concatenate([np.arange(n) for n in counts])
    sorting = np.lexsort((source, due))
    return names, source[sorting].astype(np.int32), rank[sorting]


@dataclass(frozen=True)
class Epoch:
    """One pass over a source: the order of its documents, where each begins in the stream, and the order of the windows."""

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    windows: NDArray[np.int64]


class Stream:
    """One source's documents as an endless token stream in windows of `length` + 1 tokens (the last one is only a target)."""

    def __init__(self, name: str, tokens: list[NDArray], offsets: list[NDArray], length: int, seed: int) -> None:
        """Take the source's memory-mapped shards; nothing is copied but the documents' lengths."""
        self.name, self.tokens, self.length, self.seed = name, tokens, length, seed
        self.shard = np.repeat(np.arange(len(offsets)), [len(o) - 1 for o in offsets]) if offsets else np.zeros(0, np.int64)
        self.begin = np.concatenate([o[:-1] for o in offsets]) if offsets else np.zeros(0, np.int64)
        self.size = np.concatenate([np.diff(o) for o in offsets]) if offsets else np.zeros(0, np.int64)
        self.windows = int(self.size.sum() - 1) // length
        self._epochs: dict[int, Epoch] = {}
        if self.windows < 1:
            raise UserError(f"source {name!r} has {int(self.size.sum())} tokens, too few for one window of {length}; "
                            "give it more text or leave it out of the mixture")

    def epoch(self, number: int) -> Epoch:
        """Return the orders of a pass; the last two are kept."""
        if number not in self._epochs:
            random = np.random.default_rng([self.seed, number, *self.name.encode()])
            order, windows = random.permutation(len(self.size)), random.permutation(self.windows)
            starts = np.concatenate([[0], np.cumsum(self.size[order])])
            self._epochs = {k: v for k, v in self._epochs.items() if k == number - 1} | {number: Epoch(order, starts, windows)}
        return self._epochs[number]

    def window(self, index: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return `length` + 1 tokens and the index of each one's document, of window `index` of the endless stream."""
        number, place = divmod(index, self.windows)
        epoch = self.epoch(number)
        first = int(epoch.windows[place]) * self.length
        last = first + self.length + 1
        document = int(np.searchsorted(epoch.starts, first, side="right")) - 1
        tokens, documents = [], []
        while first < last:
            which, start = epoch.order[document], epoch.starts[document]
            end = min(last, int(epoch.starts[document + 1]))
            offset = int(self.begin[which])
            tokens.append(np.asarray(self.tokens[self.shard[which]][offset + first - start: offset + end - start], np.int64))
            documents.append(np.full(end - first, document))
            first, document = end, document + 1
        return np.concatenate(tokens), np.concatenate(documents)


class Feed:
    """Packed training samples from the training split of token shards."""

    def __init__(self, shards: TokenShards, weights: dict[str, float], length: int, seed: int) -> None:
        """Prepare the streams of all sources with weight.

        Args:
            shards: token shards by source.
            weights: share of tokens by source name; need not sum to 1.
            length: tokens per sample.
            seed: of the documents' order.
        """
        self.names, self.pattern, self.rank = interleave(weights)
        self.counts = np.bincount(self.pattern, minlength=len(self.names))
        self.streams = [Stream(name, shards.tokens(name, "train"), shards.offsets(name, "train"), length, seed)
                        for name in self.names]

    def locate(self, sample: int) -> tuple[int, int]:
        """Return the source (position in `names`) and the window of its stream that a sample index stands for."""
        block, place = divmod(sample, PATTERN)
        source = int(self.pattern[place])
        return source, int(block * self.counts[source] + self.rank[place])

    def batch(self, first: int, count: int) -> dict[str, Tensor]:
        """Return samples `first` to `first + count`: `ids`, `documents` and `labels`, each int64 (count, length).

        A label is the next token of the same document, -100 where the document ends.
        """
        rows = [self.streams[source].window(index) for source, index in map(self.locate, range(first, first + count))]
        return as_batch(rows)


def as_batch(rows: list[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> dict[str, Tensor]:
    """Turn windows of length + 1 tokens with their documents into `ids`, `documents`, `labels` of that length."""
    tokens = torch.from_numpy(np.stack([row[0] for row in rows]))
    documents = torch.from_numpy(np.stack([row[1] for row in rows]))
    labels = tokens[:, 1:].masked_fill(documents[:, 1:] != documents[:, :-1], -100)
    return {"ids": tokens[:, :-1].contiguous(), "documents": documents[:, :-1].contiguous(), "labels": labels}
