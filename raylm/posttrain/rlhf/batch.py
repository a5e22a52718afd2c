"""Answers as padded tensors, and their division into equal parts: pure functions from token lists to what roles compute on.

A batch is a mapping of tensors whose first dimension is the answer: `ids` (batch, sequence) holds prompt and answer, padded
on the right; `prompt` and `answer` (batch,) are the two lengths. Everything else is (batch, answer): column j belongs to the
answer's token j, and to the state before it, which is position `prompt + j - 1` of the sequence.
"""

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

Rows = dict[str, Tensor]


def seed_of(seed: int, *names: object) -> int:
    """Return the seed of one random stream, named by what it is for: equal names, equal streams, on any machine."""
    digest = hashlib.sha256("/".join(map(str, (seed, *names))).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def pad(prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], multiple: int = 8) -> Rows:
    """Return `ids`, `prompt`, `answer` and `mask` of prompts with their answers, each at least one token.

    Lengths are rounded up to a `multiple`, so that few different shapes occur.
    """
    longest = max(len(p) + len(a) for p, a in zip(prompts, answers, strict=True))
    widest = max(map(len, answers))
    ids = torch.zeros(len(prompts), -(-longest // multiple) * multiple, dtype=torch.long)
    for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        ids[row, :len(prompt) + len(answer)] = torch.tensor([*prompt, *answer])
    lengths = torch.tensor([len(a) for a in answers])
    columns = torch.arange(-(-widest // multiple) * multiple)
    return {"ids": ids, "prompt": torch.tensor([len(p) for p in prompts]), "answer": lengths,
            "mask": columns.unsqueeze(0) < lengths.unsqueeze(1)}


def states_at(prompt: Tensor, width: int, length: int) -> Tensor:
    """Return the positions (batch, width) of the states before each answer token, held inside a sequence of `length`."""
    return (prompt.unsqueeze(1) - 1 + torch.arange(width, device=prompt.device)).clamp(max=length - 1)


def answer_tokens(ids: Tensor, prompt: Tensor, width: int) -> Tensor:
    """Return the answers' token ids (batch, width); beyond an answer's end, whatever the padding holds."""
    places = (prompt.unsqueeze(1) + torch.arange(width, device=ids.device)).clamp(max=ids.shape[1] - 1)
    return ids.gather(1, places)


def select(rows: Rows, index: Tensor) -> Rows:
    """Return the rows at `index`, in that order."""
    return {name: tensor[index] for name, tensor in rows.items()}


def split(rows: Rows, parts: int) -> list[Rows]:
    """Divide rows into `parts` equal batches, for workers that must all do the same number of steps.

    Where the number does not divide, copies of the first row with an empty mask fill up: they cost time and change no sum.
    Their `mask` is false everywhere, so whoever sums over it never sees them; take results of the first rows only.
    """
    count = len(rows["ids"])
    missing = -count % parts
    if missing:
        filler = {name: tensor[:1].expand(missing, *tensor.shape[1:]) for name, tensor in rows.items()}
        filler["mask"] = torch.zeros_like(filler["mask"])
        rows = {name: torch.cat([tensor, filler[name]]) for name, tensor in rows.items()}
    size = (count + missing) // parts
    # Cloned: a slice would be sent with the whole tensor's memory behind it.
    return [{name: tensor[part * size:(part + 1) * size].clone() for name, tensor in rows.items()} for part in range(parts)]
