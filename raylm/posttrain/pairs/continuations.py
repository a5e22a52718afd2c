"""Paragraphs of any text, cut in two: the opening is the question, what follows is the answer.

The kind that a folder without Python falls back to. It teaches the turns of a chat and when to stop, not facts
or tasks.
"""

import re
from dataclasses import dataclass
from typing import ClassVar

from raylm.posttrain.pairs.instruction import Instruction

PARAGRAPH_LENGTH = (80, 1200)
MAX_OPENING = 320
MAX_CONTINUATION = 240
MAX_PER_DOCUMENT = 64
"""So that one long book does not make up all the pairs."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")
_BLANK_LINES = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True)
class Continuation:
    """The two parts of a paragraph, blanks normalised."""

    asks: ClassVar[str] = "continue"
    rewards: ClassVar[dict[str, float]] = {"model": 1.0, "ends": 0.5, "varied": 0.5}
    example: ClassVar[str] = "Continue this text:\nIt was a cold morning, and the road to the village"

    name: str
    """Which paragraph of the document, counted from 0."""
    opening: str
    continuation: str

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes two continuations the same pair."""
        return self.opening, self.continuation

    def instructions(self) -> list[Instruction]:
        """Return the one direction: continue the text."""
        return [Instruction("continue", continue_prompt(self.opening), self.continuation)]

    def swapped(self, other: "Continuation") -> list[str]:
        """Return the wrong answer: what follows another opening."""
        return [other.continuation]


def continue_prompt(opening: str) -> str:
    """The user's turn that asks for what comes next."""
    return f"Continue this text:\n{opening}"


def extract(text: str) -> list[Continuation]:
    """Return the paragraphs of a text that are long enough to be cut in two, in order, at most `MAX_PER_DOCUMENT`."""
    shortest, longest = PARAGRAPH_LENGTH
    found = []
    for position, paragraph in enumerate(_BLANK_LINES.split(text)):
        line = " ".join(paragraph.split())
        if shortest <= len(line) <= longest:
            opening, continuation = _cut(line)
            if opening and continuation:
                found.append(Continuation(str(position), opening, continuation))
        if len(found) == MAX_PER_DOCUMENT:
            break
    return found


def _cut(line: str) -> tuple[str, str]:
    """Cut after the sentence that ends nearest to the middle, else at the middle blank, else in the middle."""
    middle = len(line) // 2
    ends = [match.start() for match in _SENTENCE.finditer(line) if 0 < match.start() < len(line)]
    if not ends:
        ends = [match.start() for match in re.finditer(" ", line)] or [middle]
    at = min(ends, key=lambda end: (abs(end - middle), end))
    return _last(line[:at].strip(), MAX_OPENING), _first(line[at:].strip(), MAX_CONTINUATION)


def _first(text: str, length: int) -> str:
    """The start of a text within `length` characters, cut at a blank where there is one."""
    if len(text) <= length:
        return text
    return text[:length].rsplit(" ", 1)[0] if " " in text[:length] else text[:length]


def _last(text: str, length: int) -> str:
    """The end of a text within `length` characters, cut at a blank where there is one."""
    if len(text) <= length:
        return text
    return text[-length:].split(" ", 1)[-1] if " " in text[-length:] else text[-length:]
