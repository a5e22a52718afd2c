"""The tables at the end of a run and of `raylm status`, from plain data: drawn by rich on a terminal, plain lines elsewhere."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from raylm.pipeline.readable import SPACE, duration, size
from raylm.pipeline.state import one_line

STYLES = {"done": "green", "reused": "cyan", "failed": "bold red", "missing": "dim", "partial": "yellow"}


@dataclass(frozen=True)
class StageLine:
    """What the tables say of one stage."""

    name: str
    state: str
    """done, reused, failed, partial (begun, not finished) or missing."""
    headline: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None
    bytes: int | None = None
    """Size of the artifact."""
    key: str = ""
    """Address of the artifact: 16 hexadecimal digits."""
    message: str = ""


def summary_table(stages: Sequence[StageLine]) -> Table:
    """Return the table of stages with their key figures and seconds, for `rich.print`."""
    table = _table("stage", "key figures", "time")
    table.columns[2].justify = "right"
    for stage in stages:
        time = duration(stage.seconds) if stage.seconds is not None else ""
        if stage.state not in ("done", "reused"):
            time = stage.state
        table.add_row(Text(stage.name, STYLES.get(stage.state, "")), _figures(stage), Text(time))
    return table


def status_table(stages: Sequence[StageLine]) -> Table:
    """Return the table of what is done and what is missing, with times, sizes and addresses, for `rich.print`."""
    remarks = any(stage.message for stage in stages)
    table = _table("stage", "state", "time", "size", "address", *(["remark"] if remarks else []))
    table.columns[2].justify = table.columns[3].justify = "right"
    for column in table.columns[:5]:
        column.no_wrap = True
    for stage in stages:
        cells = [
            Text(stage.name), Text(stage.state, STYLES.get(stage.state, "")),
            Text(duration(stage.seconds) if stage.seconds is not None else ""),
            Text(size(stage.bytes) if stage.bytes is not None else ""), Text(stage.key),
        ]  # fmt: skip
        table.add_row(*cells, *([Text(one_line(stage.message))] if remarks else []))
    return table


def as_text(table: Table, stream: TextIO | None = None, width: int = 100) -> str:
    """Return a table as text: with colours and lines in the width of `stream` where that is a terminal, else plain.

    Plain means a Markdown table: no control characters, no no-break spaces, `width` columns.
    """
    if stream is not None and stream.isatty():
        terminal = Console(file=stream)
        with terminal.capture() as captured:
            terminal.print(table)
        return captured.get().rstrip("\n")
    buffer = io.StringIO()
    table.box, table.pad_edge = box.MARKDOWN, True
    Console(file=buffer, width=width, color_system=None, force_terminal=False, legacy_windows=False).print(table)
    lines = buffer.getvalue().replace(SPACE, " ").rstrip("\n").split("\n")
    return "\n".join(line.rstrip() for line in lines)


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1))
    for name in columns:
        table.add_column(name, overflow="fold")
    table.columns[0].no_wrap = True
    return table


def _figures(stage: StageLine) -> Text:
    if stage.message:
        return Text(one_line(stage.message))
    text = Text()
    for place, (key, value) in enumerate(stage.headline.items()):
        text.append(" · " if place else "", "dim")
        text.append(one_line(key) + SPACE, "dim")
        text.append(one_line(value))
    return text
