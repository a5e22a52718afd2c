"""Prompts from the pairs of the sft stage: the direction that asks for something a program can check.

Training takes pairs of the training split, before-and-after measurement those of the held-out split; how many are read is
bounded by what the run can use.
"""

from dataclasses import dataclass

import numpy as np

from raylm.errors import UserError
from raylm.posttrain.pairs.chat import encode
from raylm.posttrain.pairs.kinds import KINDS
from raylm.posttrain.pairs.table import INDEX, read_pairs
from raylm.storage import Folder
from raylm.tokenizer.text import Tokenizer


@dataclass(frozen=True)
class Prompt:
    """A question as the model reads it, and its true answer."""

    text: str
    tokens: list[int]
    """With the tokens that ask the assistant to speak."""
    answer: list[int]
    """The true answer with its end token."""


def kind_of(pairs: Folder) -> str:
    """Return the kind of pairs that a folder holds."""
    return str(pairs.read_json(INDEX)["kind"])


def read_prompts(pairs: Folder, tokenizer: Tokenizer, split: str, count: int, longest: int) -> list[Prompt]:
    """Return up to `count` prompts of a split with at most `longest` tokens, in the table's order.

    Raises:
        UserError: there is none.
    """
    direction = KINDS[kind_of(pairs)].asks
    prompts: list[Prompt] = []
    for pair in read_pairs(pairs, split, 2 * count):
        for instruction in pair.instructions():
            if instruction.direction != direction:
                continue
            turns = encode(tokenizer, instruction)
            if turns.answer <= longest:
                prompts.append(Prompt(instruction.prompt, turns.tokens[:turns.answer], turns.tokens[turns.answer:]))
        if len(prompts) >= count:
            break
    if not prompts:
        raise UserError(f"rlhf.prompt_tokens: no {split} prompt has at most {longest} tokens; allowed: a larger number")
    return prompts[:count]


def drawn(size: int, first: int, count: int, seed: int) -> list[int]:
    """Return items `first` to `first + count` of an endless order over `size` items that is shuffled anew each epoch."""
    orders: dict[int, list[int]] = {}
    chosen = []
    for place in range(first, first + count):
        epoch, item = divmod(place, size)
        if epoch not in orders:
            orders[epoch] = np.random.default_rng([seed, epoch]).permutation(size).tolist()
        chosen.append(orders[epoch][item])
    return chosen
