"""What a run shows while it works: on a terminal the list of stages, alive; anywhere else a log, line by line.

The `Display` keeps the state of every stage and asks the run's `Board` a few times a second, from one thread, what the stage
under way is doing; `Terminal` and `Log` only write it down. What Ray itself prints is silenced in `quiet.py`.
"""

import sys
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol, TextIO

from raylm.pipeline.log import Log
from raylm.pipeline.state import StageState
from raylm.pipeline.terminal import Terminal
from raylm.progress import Step

POLL = 0.5
"""Seconds between two looks at the board."""
PATIENCE = 2.0
"""Seconds that a look may take before it is given up; the next one tries again."""


class View(Protocol):
    """One way to show the stages."""

    states: list[StageState]

    def open(self) -> None:
        """Begin to show."""

    def changed(self, stage: StageState) -> None:
        """Say that a stage began or ended."""

    def progress(self, stage: StageState) -> None:
        """Say how far the running stage is; called at every look at the board."""

    def close(self) -> None:
        """Leave the last state on view and stop."""


class Display:
    """The stages of a run and how far they are, as a context manager. Safe to use from the driver's thread only."""

    def __init__(self, stages: Sequence[str], title: str = "", *, stream: TextIO | None = None, every: float = 15.0) -> None:
        """Show these stages in this order.

        Args:
            stages: names; all wait at first.
            title: what the run is called.
            stream: where to write; standard output by default. A terminal gets the live list, anything else the log.
            every: seconds between two lines of the log while a stage runs.
        """
        self.stages = {name: StageState(name) for name in stages}
        stream = stream or sys.stdout
        states = list(self.stages.values())
        self.view: View = Terminal(title, states, stream) if stream.isatty() else Log(title, states, stream, every)
        self._running: StageState | None = None
        self._board: Any = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="raylm-display", daemon=True)

    def __enter__(self) -> "Display":
        """Begin to show."""
        self.view.open()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop; a stage that an exception cut off is shown as failed."""
        if error is not None and self._running is not None:
            name = "interrupted" if isinstance(error, KeyboardInterrupt) else type(error).__name__
            self.stage_failed(self._running.name, name)
        self._stop.set()
        self._thread.join(PATIENCE + POLL)
        self.view.close()

    def stage_begin(self, name: str, board: Any = None) -> None:
        """A stage starts; `board` is a `Board`, a Ray actor handle of one, or None."""
        stage = self._stage(name)
        with self._lock:
            stage.begin(time.monotonic())
            self._running, self._board = stage, board
            self.view.changed(stage)

    def stage_end(self, name: str, seconds: float, headline: dict[str, str]) -> None:
        """A stage is done, after so many seconds, with these key figures."""
        self._end(name, "done", seconds, headline)

    def stage_reused(self, name: str, headline: dict[str, str]) -> None:
        """A stage's artifact was there already."""
        self._end(name, "reused", None, headline)

    def stage_failed(self, name: str, message: str) -> None:
        """A stage could not be done, and why, in one line."""
        self._end(name, "failed", None, {}, message)

    def _end(self, name: str, state: str, seconds: float | None, headline: dict[str, str], message: str = "") -> None:
        stage = self._stage(name)
        with self._lock:
            stage.end(time.monotonic(), state, seconds, headline, message)
            self._running = self._board = None
            self.view.changed(stage)

    def _stage(self, name: str) -> StageState:
        """Return the stage; one that was not announced joins the list (the views hold the same list)."""
        if name not in self.stages:
            self.stages[name] = StageState(name)
            self.view.states.append(self.stages[name])
        return self.stages[name]

    def _watch(self) -> None:
        while not self._stop.wait(POLL):
            # The lock is held over the look, so that none is under way once a stage has ended and Ray may be shut down.
            with self._lock:
                stage = self._running
                if stage is None:
                    continue
                step = read_board(self._board)
                if step is not None:
                    stage.observe(time.monotonic(), step)
                self.view.progress(stage)


def read_board(board: Any) -> Step | None:
    """Return a copy of the board's current step; None if there is no board or it does not answer in time.

    A board that lives in an actor may be gone (its node died, Ray is shutting down): that costs the display, never the run.
    """
    if board is None:
        return None
    remote = getattr(board.read, "remote", None)
    try:
        if remote is None:
            step = board.read()
        else:
            import ray

            if not ray.is_initialized():  # `get` would start a Ray of its own
                return None
            step = ray.get(remote(), timeout=PATIENCE)
        return Step(step.name, step.unit, step.done, step.total, step.note, step.started)
    except Exception:
        return None
