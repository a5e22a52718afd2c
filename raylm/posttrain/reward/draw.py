"""Preferences made of pairs: for each right answer a wrong one that another pair gives. Pure and deterministic.

A wrong answer drawn at random is too easy: its length or its subject gives it away. So one part comes from the same file, which
shares names and subject, and the rest has the nearest length in the partition. All draws are hashes of content and seed.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from raylm.posttrain.pairs.collect import key_of
from raylm.tokenizer.split import ORIGIN_DIGITS

NEAREST = 16
"""How many pairs of about the same length one is drawn from."""
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_a-zA-Z]")


@dataclass(frozen=True)
class Preference:
    """A prompt with the answer that belongs to it and one that does not."""

    id: str
    """The document of the right answer."""
    key: int
    """Content hash of the pair and direction; the order of the table."""
    direction: str
    prompt: str
    chosen: str
    rejected: str
    same_file: bool
    """Whether the wrong answer is from the right one's own file."""


def draw(ids: Sequence[str], pairs: Sequence[Any], near: float, seed: int) -> list[Preference]:
    """Return one preference for each pair and direction, sorted by key.

    Args:
        ids: the pairs' documents.
        pairs: pairs of one kind (`Function`, `Continuation`), distinct.
        near: share of the wrong answers to take from the same file, where there is one.
        seed: of the draws.

    A pair to which no other gives a different answer has no preference.
    """
    files: dict[str, list[int]] = defaultdict(list)
    for index, identifier in enumerate(ids):
        files[identifier[:ORIGIN_DIGITS]].append(index)
    instructions = [pair.instructions() for pair in pairs]
    found = []
    for place in range(len(instructions[0]) if instructions else 0):
        lengths = sorted((len(given[place].answer), key_of(*pairs[index].identity), index)
                         for index, given in enumerate(instructions))
        for index, pair in enumerate(pairs):
            right = instructions[index][place]
            key = key_of(right.direction, *pair.identity)
            number = key_of(str(seed), str(key))
            similar = _similar(lengths, len(right.answer), number)
            own = files[ids[index][:ORIGIN_DIGITS]]
            same_file = _turned(own, number) if number % 2**20 < near * 2**20 else []
            other = _first_wrong(pairs, index, place, right.answer, [*same_file, *similar])
            if other is not None:
                wrong = pair.swapped(pairs[other])[place]
                same = ids[other][:ORIGIN_DIGITS] == ids[index][:ORIGIN_DIGITS]
                found.append(Preference(ids[index], key, right.direction, right.prompt, right.answer, wrong, same))
    return sorted(found, key=lambda preference: (preference.key, preference.prompt))


def _similar(lengths: list[tuple[int, int, int]], length: int, number: int) -> list[int]:
    """The pairs around a length, beginning with a drawn one."""
    middle = bisect_left(lengths, (length, number))
    first = max(0, min(middle - NEAREST // 2, len(lengths) - NEAREST))
    return _turned([index for _, _, index in lengths[first:first + NEAREST]], number)


def _turned(items: list[int], number: int) -> list[int]:
    """The items from a drawn one on, and round to it again."""
    start = (number >> 20) % len(items)
    return items[start:] + items[:start]


def _first_wrong(pairs: Sequence[Any], index: int, place: int, right: str, candidates: list[int]) -> int | None:
    return next((other for other in candidates
                 if other != index and pairs[index].swapped(pairs[other])[place] != right), None)


def longer_wins(preference: Preference) -> float:
    """A baseline without a model: 1 if the right answer is the longer one, 0.5 for a tie, else 0."""
    return _won(len(preference.chosen), len(preference.rejected))


def overlap_wins(preference: Preference) -> float:
    """A baseline without a model: 1 if the right answer shares more words with the prompt, 0.5 for a tie, else 0.

    Compared are what the prompt is about (all after its first colon) and the answer's first line, which for code is the
    signature: the rest of a wrong function repeats the prompt on purpose. Identifiers are split into their words.
    """
    asked = _words(preference.prompt.partition(":")[2])
    chosen, rejected = (_words(answer.split("\n", 1)[0]) for answer in (preference.chosen, preference.rejected))
    return _won(len(asked & chosen), len(asked & rejected))


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORDS.findall(text)}


def _won(chosen: int, rejected: int) -> float:
    return 0.5 if chosen == rejected else float(chosen > rejected)
