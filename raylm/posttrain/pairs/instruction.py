"""What every kind of pair gives: an instruction with its answer, in one direction.

A direction ("describe", "implement", "continue") is a task of its own: losses and accuracies are reported for each, so
that an easy one cannot hide a hard one.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Instruction:
    """A user's turn and the answer that belongs to it, as plain text without any template."""

    direction: str
    prompt: str
    answer: str
