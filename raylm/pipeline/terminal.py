"""The display on a terminal: the list of stages, redrawn in place, with a bar under the one that runs.

Everything is drawn by one `rich.live.Live`, which also keeps Python's own prints above the list. Lines never wrap: what does
not fit is cut, so the list keeps its height.
"""

import time
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from raylm.pipeline.readable import duration
from raylm.pipeline.state import StageState, one_line

MARKS = {
    "waiting": ("·", ".", "dim"), "done": ("✓", "+", "green"), "reused": ("↺", "=", "cyan"), "failed": ("✗", "x", "bold red"),
}  # fmt: skip
"""For each state the mark, the mark in ASCII, and their style."""


class Terminal:
    """Shows the stages alive on a terminal."""

    def __init__(self, title: str, states: list[StageState], stream: TextIO) -> None:
        """Draw on `stream`; `states` are only read."""
        self.title, self.states = one_line(title), states
        self.console = Console(file=stream, highlight=False, emoji=False, markup=False)
        self.unicode = (self.console.encoding or "").lower().startswith("utf")
        self.began = time.monotonic()
        self._spinner = Spinner("dots" if self.unicode else "line", style="blue")
        self._live = Live(console=self.console, get_renderable=self.render, refresh_per_second=5, vertical_overflow="crop")

    def open(self) -> None:
        """Begin to draw, from a thread of rich's own."""
        self.began = time.monotonic()
        self._live.start(refresh=True)

    def changed(self, stage: StageState) -> None:
        """Redraw at once."""
        self._live.refresh()

    def progress(self, stage: StageState) -> None:
        """The next redrawing shows it."""

    def close(self) -> None:
        """Leave the last drawing on the terminal."""
        self._live.stop()

    def render(self) -> RenderableType:
        """Return the list as it is now."""
        now = time.monotonic()
        width = max((len(state.name) for state in self.states), default=0)
        lines: list[RenderableType] = [Text(f"{self.title}  {duration(now - self.began)}".strip(), style="bold", no_wrap=True)]
        for state in self._visible():
            lines.append(self._row(state, width, now))
            if state.state == "running":
                lines.append(self._bar(state, width, now))
        return Group(*lines)

    def _visible(self) -> list[StageState]:
        """Return the stages that fit the terminal's height: finished ones give way first, then the last that wait."""
        states = list(self.states)
        spare = len(states) + 3 - self.console.size.height
        for state in list(states):
            if spare > 0 and state.state in ("done", "reused"):
                states.remove(state)
                spare -= 1
        return states[: len(states) - spare] if 0 < spare < len(states) else states

    def _row(self, state: StageState, width: int, now: float) -> RenderableType:
        row = Table.grid(padding=(0, 1), expand=True)
        row.add_column(width=1)
        row.add_column(width=width, no_wrap=True)
        row.add_column(ratio=1, no_wrap=True, overflow="ellipsis" if self.unicode else "crop")
        row.add_column(justify="right", no_wrap=True)
        if state.state == "running":
            said = "  ".join(part for part in (one_line(state.step.name), one_line(state.step.note)) if part)
            name = Text(state.name, style="bold")
            row.add_row(self._spinner, name, Text(said or "starting"), Text(duration(now - state.began)))
            return row
        mark, plain, style = MARKS[state.state]
        text = {"waiting": "", "failed": state.message}.get(state.state, state.figures())
        time_text = "reused" if state.state == "reused" else duration(state.seconds) if state.seconds is not None else ""
        name = Text(state.name, style="dim" if state.state == "waiting" else "")
        row.add_row(Text(mark if self.unicode else plain, style=style), name,
                    Text(text, style="red" if state.state == "failed" else ""), Text(time_text, style="dim"))  # fmt: skip
        return row

    def _bar(self, state: StageState, width: int, now: float) -> RenderableType:
        """Return the line under the running stage: a bar, how far, how fast, how long still."""
        row = Table.grid(padding=(0, 1), expand=True)
        row.add_column(width=width + 2)
        row.add_column(width=20 if self.console.width < 100 else 30)
        row.add_column(ratio=1, no_wrap=True, overflow="ellipsis" if self.unicode else "crop")
        share = state.share
        bar: RenderableType = Text("")
        if share is not None:
            bar = ProgressBar(total=1.0, completed=share, complete_style="blue", finished_style="blue", style="bright_black")
        elif state.step.name:
            bar = ProgressBar(total=1.0, pulse=True, pulse_style="blue", style="bright_black", animation_time=now)
        parts = [state.amount(), state.speed(), state.left(now)]
        row.add_row("", bar, Text((" · " if self.unicode else ", ").join(part for part in parts if part)))
        return row
