"""The state of one stage as the display knows it, and the phrases that describe it; no terminal, no clock of its own."""

import math
from dataclasses import dataclass, field
from typing import Literal, cast

from raylm.pipeline.pace import Pace
from raylm.pipeline.readable import SPACE, count, duration, plain_text, size
from raylm.progress import Step

Name = Literal["waiting", "running", "done", "reused", "failed"]
AMOUNTS = ("kB", "MB", "GB", "tokens")
"""Units that nobody counts one by one: their rate is never told as a time for each."""


@dataclass
class StageState:
    """What is known of one stage."""

    name: str
    state: Name = "waiting"
    began: float = 0.0
    seconds: float | None = None
    headline: dict[str, str] = field(default_factory=dict)
    message: str = ""
    step: Step = field(default_factory=lambda: Step(""))
    pace: Pace = field(default_factory=Pace)

    def begin(self, now: float) -> None:
        """The stage starts at `now` (seconds of a steady clock)."""
        self.state, self.began, self.step, self.pace = "running", now, Step(""), Pace()

    def end(self, now: float, state: str, seconds: float | None, headline: dict[str, str], message: str) -> None:
        """The stage is over; where no time is given, a stage that ran gets the time since it began."""
        if seconds is None and self.state == "running" and state == "failed":
            seconds = now - self.began
        self.state, self.seconds = cast(Name, state), seconds
        self.headline, self.message = dict(headline), one_line(message)

    def observe(self, now: float, step: Step) -> None:
        """Take note of the step under way."""
        if (step.name, step.started) != (self.step.name, self.step.started):
            self.pace = Pace()
        self.step = step
        self.pace.observe(now, step.done)

    @property
    def share(self) -> float | None:
        """How much of the step is done, 0 to 1; None without a total."""
        total = self.step.total
        if not total or not math.isfinite(total) or not math.isfinite(self.step.done):
            return None
        return min(max(self.step.done / total, 0.0), 1.0)

    def figures(self) -> str:
        """Return the key figures on one line: `documents 21,044 · kept 61 MB`."""
        return " · ".join(f"{one_line(key)}{SPACE}{one_line(value)}" for key, value in self.headline.items())

    def amount(self) -> str:
        """Return how far the step is: `1,204 of 18,204 files`; a zero without a total says nothing."""
        step = self.step
        if not step.total:
            return self._units(step.done) if step.done else ""
        if step.unit in ("bytes", "B"):
            return f"{size(step.done)} of {size(step.total)}"
        return f"{number(step.done)} of {self._units(step.total)}"

    def speed(self) -> str:
        """Return the rate: `120 files/s`, or seconds per unit where it takes longer than two."""
        rate, unit = self.pace.rate, one_line(self.step.unit)
        if not rate:
            return ""
        if unit in ("bytes", "B"):
            return f"{size(rate)}/s"
        if rate < 0.5 and unit not in AMOUNTS:
            return f"{duration(1 / rate)} each"
        return f"{count(rate, 2 if rate < 100 else 3)}{SPACE}{unit}/s" if unit else f"{count(rate, 2)}/s"

    def left(self, now: float) -> str:
        """Return how long the step still takes: `2 min 05 s left`."""
        seconds = self.pace.seconds_left(now, self.step.total)
        if seconds is None or (self.share or 0.0) >= 1:
            return ""
        return f"{duration(max(seconds, 1.0) if seconds >= 9.95 else math.ceil(seconds)).replace('.0', '')}{SPACE}left"

    def _units(self, value: float) -> str:
        unit = one_line(self.step.unit)
        if unit in ("bytes", "B"):
            return size(value)
        return f"{number(value)} {unit}".rstrip()


def number(value: float) -> str:
    """Return a count exactly below a hundred thousand, rounded with a unit above."""
    return f"{value:,.0f}" if abs(value) < 100_000 and value == int(value) else count(value)


def one_line(text: object) -> str:
    """Return text on one line without control characters."""
    return " ".join(plain_text(text).split())
