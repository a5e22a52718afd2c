"""The display where no person watches a terminal: one dated line per event, no control characters."""

import time
from typing import TextIO

from raylm.pipeline.readable import SPACE, duration
from raylm.pipeline.state import StageState, one_line


class Log:
    """Writes a line when a stage starts and ends, and at most every `every` seconds between."""

    def __init__(self, title: str, states: list[StageState], stream: TextIO, every: float) -> None:
        """Write to `stream`; `states` are only read."""
        self.title, self.states, self.stream, self.every = title, states, stream, every
        self._width = max((len(state.name) for state in states), default=0)
        self._last = 0.0

    def open(self) -> None:
        """Say what run this is."""
        self._write(f"run {one_line(self.title)}: {', '.join(state.name for state in self.states)}")

    def changed(self, stage: StageState) -> None:
        """Write that a stage began or ended."""
        took = f" in {duration(stage.seconds)}" if stage.seconds is not None else ""
        said = {
            "running": "started",
            "done": f"done{took}",
            "reused": "reused",
            "failed": f"FAILED{took}",
        }.get(stage.state, stage.state)
        more = stage.message or stage.figures()
        self._write(f"{stage.name:<{self._width}}  {said}{': ' + more if more else ''}")
        self._last = time.monotonic()

    def progress(self, stage: StageState) -> None:
        """Write how far the stage is, if the last line is old enough."""
        now = time.monotonic()
        if now - self._last < self.every:
            return
        self._last = now
        self._write(f"{stage.name:<{self._width}}  {describe(stage, now)}")

    def close(self) -> None:
        """Nothing is left to write."""

    def _write(self, line: str) -> None:
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        line = line.replace(SPACE, " ")
        encoding = self.stream.encoding or "utf-8"
        self.stream.write(f"{stamp}  {line.rstrip()}\n".encode(encoding, "replace").decode(encoding))
        self.stream.flush()


def describe(stage: StageState, now: float) -> str:
    """Return the running stage in one phrase: step, amount, share, rate, time left and note, as far as they are known."""
    step = stage.step
    share = f"{100 * stage.share:.0f} %" if stage.share is not None else ""
    parts = [stage.amount(), share, stage.speed(), stage.left(now), one_line(step.note)]
    what = ", ".join(part for part in parts if part)
    name = one_line(step.name) or "running"
    return f"{name}: {what}" if what else f"{name}, {duration(now - stage.began)} so far"
