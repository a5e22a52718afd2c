"""Training and asking a network that gives a logit for a batch of ids: one loop for an encoder of ours and for a given checkpoint.

On a CPU with one thread and a seed it is the same at every making.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

Ids = Sequence[Sequence[int]]
Logits = Callable[[Tensor], Tensor]
_SORTED = 32
"""Batches that are cut from texts sorted by length, so that little is filled up."""


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """One thread, deterministic kernels and a seeded generator, for the time of the block."""
    threads, before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.use_deterministic_algorithms(before)
        torch.set_num_threads(threads)


def fit(network: nn.Module, ids: Ids, positive: NDArray[np.bool_], pad: int, *, epochs: int, batch: int,
        learning_rate: float) -> None:
    """Train with AdamW; the learning rate rises over the first tenth of the steps and falls linearly to 0.

    Args:
        network: ids (batch, pieces) to logits (batch,).
        ids: of each text, at least one.
        positive: (texts,) their classes.
        pad: the id that fills up.
        epochs: passes over the texts.
        batch: texts of a step.
        learning_rate: the highest.
    """
    optimiser = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=0.01)
    steps = epochs * -(-len(ids) // batch)
    targets = torch.from_numpy(positive.astype(np.float32))
    network.train()
    step = 0
    for _ in range(epochs):
        for chosen in _batches(ids, batch):
            step += 1
            for group in optimiser.param_groups:
                group["lr"] = learning_rate * min(step / max(steps / 10, 1), (steps - step + 1) / steps / 0.9, 1.0)
            loss = functional.binary_cross_entropy_with_logits(network(_padded([ids[one] for one in chosen], pad)), targets[chosen])
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
    network.eval()


@torch.inference_mode()
def probabilities(network: Logits, ids: Ids, pad: int, batch: int = 64) -> NDArray[np.float64]:
    """Return P(positive) of each text (texts,); NaN for one without a piece."""
    result = np.full(len(ids), np.nan)
    places = sorted((place for place in range(len(ids)) if ids[place]), key=lambda place: len(ids[place]))
    for start in range(0, len(places), batch):
        chosen = places[start:start + batch]
        result[chosen] = torch.sigmoid(network(_padded([ids[one] for one in chosen], pad)).double()).numpy()
    return result


def _batches(ids: Ids, batch: int) -> Iterator[list[int]]:
    order: list[int] = torch.randperm(len(ids)).tolist()
    for start in range(0, len(order), batch * _SORTED):
        group = sorted(order[start:start + batch * _SORTED], key=lambda place: len(ids[place]))
        starts = range(0, len(group), batch)
        for number in torch.randperm(len(starts)).tolist():
            yield group[starts[number]:starts[number] + batch]


def _padded(rows: Ids, pad: int) -> Tensor:
    width = max(map(len, rows))
    return torch.tensor([[*row, *[pad] * (width - len(row))] for row in rows])
