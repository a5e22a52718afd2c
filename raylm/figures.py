"""What a stage can show in the report, as plain data: panels of text, tables and charts.

Stages build these from their manifest and nothing else; `raylm/pipeline/report` alone knows how they are drawn. A new stage's
figures therefore need no drawing code.
"""

from dataclasses import dataclass, field
from typing import Literal

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Rows of cells; numbers are right-aligned, None is an empty cell."""

    columns: list[str]
    rows: list[list[Cell]]


@dataclass(frozen=True)
class Line:
    """A named series of points."""

    name: str
    x: list[float]
    y: list[float]
    style: Literal["line", "dashed", "points"] = "line"


@dataclass(frozen=True)
class LineChart:
    """Series over a common axis; `levels` are named horizontal reference lines (a baseline's loss)."""

    x_label: str
    y_label: str
    lines: list[Line]
    levels: dict[str, float] = field(default_factory=dict)
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True)
class BarChart:
    """Groups of bars: for each name in `groups` one value per category; stacked or side by side; drawn horizontally if asked."""

    value_label: str
    categories: list[str]
    groups: dict[str, list[float]]
    stacked: bool = False
    horizontal: bool = False


@dataclass(frozen=True)
class PointChart:
    """Labelled points in a plane (size against quality)."""

    x_label: str
    y_label: str
    points: list[tuple[str, float, float]]
    log_x: bool = False


@dataclass(frozen=True)
class Panel:
    """One titled part of the report: a sentence or two on what it shows, then tables and charts in order."""

    title: str
    text: str = ""
    content: list[Table | LineChart | BarChart | PointChart] = field(default_factory=list)
