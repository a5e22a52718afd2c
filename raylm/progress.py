"""Progress that any process of a run can report and one terminal shows.

A `Meter` is what a stage holds: it names a step, its unit and how far it is. It pickles; in a Ray worker it speaks to the
`Board` actor, on the driver it is read by the pipeline's display. Reports are for people: a retried task may count twice, so no
figure of a manifest is ever taken from here.
"""

import time
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Step:
    """How far one step of a stage is."""

    name: str
    unit: str = ""
    done: float = 0.0
    total: float | None = None
    note: str = ""
    started: float = field(default_factory=time.time)

    @property
    def rate(self) -> float:
        """Units per second since the step began."""
        return self.done / max(time.time() - self.started, 1e-6)

    @property
    def seconds_left(self) -> float | None:
        """Seconds that the rest will take at the rate so far; None while that cannot be known."""
        if not self.total or self.done <= 0:
            return None
        return max(self.total - self.done, 0.0) / max(self.rate, 1e-9)


class Board:
    """The current step of a run; on a cluster an actor, in a test a plain object."""

    def __init__(self) -> None:
        """Start with no step under way."""
        self.step = Step("")

    def begin(self, name: str, unit: str, total: float | None) -> None:
        """Start a new step."""
        self.step = Step(name, unit, total=total)

    def advance(self, amount: float) -> None:
        """Add to what is done."""
        self.step.done += amount

    def set(self, done: float, note: str) -> None:
        """Say how far the step is."""
        self.step.done, self.step.note = done, note or self.step.note

    def read(self) -> Step:
        """Return the current step."""
        return self.step


class Meter:
    """A stage's handle on its progress. `Meter()` alone is silent, for tests and for work that nobody watches."""

    def __init__(self, board: Any = None) -> None:
        """Report to `board`: a `Board`, a Ray actor handle of one, or nothing."""
        self.board = board

    def _call(self, method: str, *arguments: Any) -> None:
        if self.board is None:
            return
        function = getattr(self.board, method)
        remote = getattr(function, "remote", None)
        if remote is None:
            function(*arguments)
        else:
            remote(*arguments)

    def begin(self, name: str, unit: str = "", total: float | None = None) -> None:
        """Start a step: what is done (`name`), counted in `unit`, of `total` if known."""
        self._call("begin", name, unit, total)

    def advance(self, amount: float = 1) -> None:
        """Add to what is done."""
        self._call("advance", amount)

    def set(self, done: float, note: str = "") -> None:
        """Say how far the step is, with a short note such as the current loss."""
        self._call("set", done, note)
