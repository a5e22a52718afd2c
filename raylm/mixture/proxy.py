"""One proxy: a small decoder trained on one mix and measured on every target's held-out text. Plain PyTorch on one thread.

All proxies of a seed begin from the same weights and see each source's windows in the same order, so that two of them differ by
their mixes and by little else. One thread, because sums over several are not the same at every making.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raylm.device import device
from raylm.mixture.config import MixConfig
from raylm.model.config import ModelConfig
from raylm.model.decoder import Decoder
from raylm.tokenizer.shards import TokenShards
from raylm.training.feed import Feed
from raylm.training.schedule import warmup_cosine

WARMUP = 0.1
"""Share of the steps."""
FINAL_FRACTION = 0.1
EVALUATION_BATCH = 32


@dataclass(frozen=True)
class Heldout:
    """A target's held-out text, cut into windows."""

    ids: Tensor
    """(windows, length) int64; a row holds tokens of one document, padded at its end."""
    labels: Tensor
    """(windows, length) int64, the next tokens; -100 in the padding."""
    bytes: int
    """UTF-8 bytes that the labels stand for."""


def heldout(shards: TokenShards, source: str, length: int, limit: int, byte_lengths: NDArray[np.int64]) -> Heldout:
    """Cut the first `limit` held-out tokens of a source into windows of up to `length` that each stay in one document.

    Every token but a document's first is a label exactly once. The order of documents is that of their ids, which are hashes.
    """
    rows: list[tuple[NDArray, NDArray]] = []
    left = limit
    for tokens, offsets in zip(shards.tokens(source, "heldout"), shards.offsets(source, "heldout"), strict=True):
        for begin, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
            document = np.asarray(tokens[begin:min(end, begin + left)], np.int64)
            rows += [(document[i:i + length][:len(document) - 1 - i], document[i + 1:i + 1 + length])
                     for i in range(0, len(document) - 1, length)]
            left -= len(document)
            if left <= 1:
                break
        if left <= 1:
            break
    ids, labels = torch.zeros(len(rows), length, dtype=torch.int64), torch.full((len(rows), length), -100, dtype=torch.int64)
    for row, (inputs, targets) in enumerate(rows):
        ids[row, :len(inputs)], labels[row, :len(targets)] = torch.from_numpy(inputs), torch.from_numpy(targets)
    return Heldout(ids, labels, int(sum(byte_lengths[targets].sum() for _, targets in rows)))


def network(config: MixConfig, vocabulary: int, seed: int) -> Decoder:
    """Return a fresh proxy for a tokenizer's vocabulary."""
    torch.manual_seed(seed)
    return Decoder(ModelConfig(**{**config.model.model_dump(), "vocabulary": vocabulary}))


def train_proxy(feed: Feed, config: MixConfig, vocabulary: int, seed: int,
                tell: Callable[[int], None] = lambda steps: None) -> Decoder:
    """Train a proxy on a mix and return it.

    Args:
        feed: windows in the mix's proportions.
        config: its steps, batch and network.
        vocabulary: number of token ids.
        seed: of its first weights.
        tell: called with the number of steps done since the last call.
    """
    torch.set_num_threads(1)
    place = device()
    model = network(config, vocabulary, seed).to(place)
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    norms = [p for p in model.parameters() if p.dim() < 2]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": norms, "weight_decay": 0.0}],
                                  lr=config.learning_rate, betas=(0.9, 0.95), fused=True)
    for step in range(config.steps):
        rate = warmup_cosine(step, config.steps, config.learning_rate, math.ceil(WARMUP * config.steps), FINAL_FRACTION)
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = {name: tensor.to(place) for name, tensor in feed.batch(step * config.batch, config.batch).items()}
        with precision(place):
            loss = model(batch["ids"], batch["documents"], batch["labels"]) / (batch["labels"] != -100).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        tell(1)
    return model


def precision(place: torch.device) -> torch.autocast:
    """bfloat16 where it is fast. Without matrix units for it a CPU takes longer, and a proxy is too small to need its memory."""
    return torch.autocast(place.type, dtype=torch.bfloat16, enabled=place.type == "cuda")


@torch.no_grad()
def bits_per_byte(model: Decoder, target: Heldout) -> float:
    """Return a model's loss on held-out text in bits per UTF-8 byte."""
    place = next(model.parameters()).device
    total = 0.0
    for first in range(0, len(target.ids), EVALUATION_BATCH):
        ids, labels = (tensor[first:first + EVALUATION_BATCH].to(place) for tensor in (target.ids, target.labels))
        with precision(place):
            total += float(model(ids, None, labels))
    return total / math.log(2) / max(target.bytes, 1)
