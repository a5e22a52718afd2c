"""Training windows as a pure function of (seed, source weights, sample index): the place to go on from is an integer.

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
    """One pass over a source: the order of its documents, where each begins in the stream, and the order of the windows.

    int32 where that is wide enough: this is what a worker holds in memory for every document.
    """

    order: NDArray[np.signedinteger]
    starts: NDArray[np.signedinteger]
    windows: NDArray[np.signedinteger]


class Stream:
    """One source's documents as an endless token stream in windows of `length` + 1 tokens (the last one is only a target)."""

    def __init__(self, name: str, tokens: list[NDArray], offsets: list[NDArray], length: int, seed: int) -> None:
        """Take the source's memory-mapped shards; nothing is copied.

        Raises:
            UserError: the source does not fill one window.
        """
        self.name, self.tokens, self.offsets, self.length, self.seed = name, tokens, offsets, length, seed
        self.firsts = np.cumsum([0, *(len(borders) - 1 for borders in offsets)])
        self.total = sum(int(borders[-1]) for borders in offsets)
        self.windows = (self.total - 1) // length
        self._epochs: dict[int, Epoch] = {}
        if self.windows < 1:
            raise UserError(f"source {name!r} has {self.total} tokens, too few for one window of {length}; "
                            "give it more text or leave it out of the mixture")

    def epoch(self, number: int) -> Epoch:
        """Return the orders of a pass; the last two are kept."""
        if number not in self._epochs:
            random = np.random.default_rng([self.seed, number, *self.name.encode()])
            order, windows = random.permutation(int(self.firsts[-1])), random.permutation(self.windows)
            sizes = np.concatenate([np.diff(borders) for borders in self.offsets])
            starts = np.concatenate([[0], np.cumsum(sizes[order])])
            made = Epoch(_narrow(order), _narrow(starts), _narrow(windows))
            self._epochs = {k: v for k, v in self._epochs.items() if k == number - 1} | {number: made}
        return self._epochs[number]

    def window(self, index: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return `length` + 1 tokens and the index of each one's document, of window `index` of the endless stream."""
        number, place = divmod(index, self.windows)
        epoch = self.epoch(number)
        first = int(epoch.windows[place]) * self.length
        last = first + self.length + 1
        # With a number of another type `searchsorted` would convert, that is copy, the whole array.
        document = int(np.searchsorted(epoch.starts, epoch.starts.dtype.type(first), side="right")) - 1
        tokens, documents = [], []
        while first < last:
            start, end = int(epoch.starts[document]), min(last, int(epoch.starts[document + 1]))
            tokens.append(self._piece(int(epoch.order[document]), first - start, end - start))
            documents.append(np.full(end - first, document))
            first, document = end, document + 1
        return np.concatenate(tokens), np.concatenate(documents)

    def _piece(self, document: int, first: int, last: int) -> NDArray[np.int64]:
        """Tokens `first` to `last` of a document, counted over all shards."""
        shard = int(np.searchsorted(self.firsts, document, side="right")) - 1
        begin = int(self.offsets[shard][document - self.firsts[shard]])
        return np.asarray(self.tokens[shard][begin + first:begin + last], np.int64)


def _narrow(numbers: NDArray[np.int64]) -> NDArray[np.signedinteger]:
    return numbers.astype(np.int32) if numbers.max(initial=0) <= np.iinfo(np.int32).max else numbers


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
