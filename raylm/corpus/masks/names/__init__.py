"""Who finds the names of people. `titles` is ours and needs no model; an installed package can offer others in the entry-point
group `raylm.names`. A recipe only names a recogniser: as it may come from anywhere, it cannot point at code to import.

A recogniser is a callable without arguments that gives an object with `find(text) -> places`, in order and not overlapping.
It must give the same places for the same text on every machine.
"""

from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol

from raylm.corpus.masks.names.titles import TitledNames
from raylm.errors import UserError

GROUP = "raylm.names"


class Recogniser(Protocol):
    """Finds names of people in a text."""

    def find(self, text: str) -> Iterable[tuple[int, int]]:
        """Return the first and past-the-last character of each name, in order, not overlapping."""
        ...


RECOGNISERS: dict[str, Callable[[], Recogniser]] = {"titles": TitledNames}
"""The recognisers that come with raylm, by their name in the recipe."""


def _offered() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def known(name: str) -> bool:
    """Return whether a recogniser of this name is here."""
    return name in RECOGNISERS or name in _offered()


def version(name: str) -> str:
    """Return which version of a recogniser is here: its package's, empty for our own."""
    point = _offered().get(name)
    return "" if name in RECOGNISERS or point is None or point.dist is None else f"{point.dist.name} {point.dist.version}"


@cache
def recogniser(name: str) -> Recogniser:
    """Return the recogniser of a name, made once per process.

    Raises:
        UserError: nobody offers it.
    """
    if name in RECOGNISERS:
        return RECOGNISERS[name]()
    if name not in _offered():
        here = ", ".join(sorted({*RECOGNISERS, *_offered()}))
        raise UserError(f"corpus.mask.names: no recogniser is called {name}; here are {here}")
    made: Recogniser = _offered()[name].load()()
    return made
