"""The kinds of pairs there are. A kind is a frozen dataclass of strings (the columns of its table) and an `extract`.

To add one: write its file beside `functions.py` (a dataclass with what `Pair` asks for, and a pure `extract(text)`), and name
it here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol

from raylm.posttrain.pairs import continuations, functions
from raylm.posttrain.pairs.instruction import Instruction


class Pair(Protocol):
    """What every kind's dataclass offers."""

    asks: ClassVar[str]
    """The direction of the instructions that PPO prompts with."""
    rewards: ClassVar[dict[str, float]]
    """PPO's weight by reward name where the recipe gives none."""
    example: ClassVar[str]
    """What a person may ask a model that was trained on such pairs."""

    @property
    def name(self) -> str:
        """Where in its document the pair is."""
        ...

    @property
    def identity(self) -> tuple[str, ...]:
        """The texts that make two pairs the same."""
        ...

    def instructions(self) -> list[Instruction]:
        """Return the instructions with their right answers, one per direction."""
        ...

    def swapped(self, other: Any) -> list[str]:
        """Return the answers that another pair of the kind would give, in the order of `instructions()`."""
        ...


@dataclass(frozen=True)
class Kind:
    """A kind of pair: its name in a recipe, its dataclass and how it is found in a text."""

    name: str
    pair: Callable[..., Any]
    columns: tuple[str, ...]
    directions: tuple[str, ...]
    extract: Callable[[str], Sequence[Any]]
    asks: str
    rewards: dict[str, float]
    example: str

    def pairs(self, columns: dict[str, list[str]]) -> list[Any]:
        """Build the pairs from a table's columns (`Table.to_pydict()`); other columns are ignored."""
        return [self.pair(*values) for values in zip(*(columns[name] for name in self.columns), strict=True)]


def _kind(name: str, pair: type[Pair], extract: Callable[[str], Sequence[Any]]) -> Kind:
    make: Any = pair
    columns = tuple(field.name for field in fields(make))
    directions = tuple(i.direction for i in make(*columns).instructions())
    return Kind(name, make, columns, directions, extract, pair.asks, pair.rewards, pair.example)


KINDS = {  # `auto` tries them in this order
    "functions": _kind("functions", functions.Function, functions.extract),
    "continuations": _kind("continuations", continuations.Continuation, continuations.extract),
}
