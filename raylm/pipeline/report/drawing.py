"""From the figures of `raylm.figures` to inline SVG, their legends and the numbers behind them."""

from dataclasses import dataclass
from typing import Literal

from raylm.figures import BarChart, Cell, LineChart, PointChart, Table
from raylm.pipeline.report.bars import MOST_CATEGORIES, draw_bars
from raylm.pipeline.report.canvas import style
from raylm.pipeline.report.lines import draw_lines
from raylm.pipeline.report.palette import series_colour, series_round
from raylm.pipeline.report.points import draw_points

Chart = LineChart | BarChart | PointChart


@dataclass(frozen=True)
class Key:
    """One entry of a legend, which the page writes above the chart so that it never covers data."""

    name: str
    colour: str
    mark: Literal["line", "dashed", "points", "bar"]
    again: int
    """How often the colours had been used up before: repeated colours come with other dashes or hatches."""


def draw(chart: Chart, width: float, prefix: str) -> str:
    """Return the chart as an inline SVG element `width` pixels wide, its ids beginning with `prefix`.

    Raises:
        ValueError: the chart has nothing to draw, or lists of unequal length.
    """
    with style():
        if isinstance(chart, LineChart):
            return draw_lines(chart, width, prefix)
        if isinstance(chart, BarChart):
            return draw_bars(chart, width, prefix)
        return draw_points(chart, width, prefix)


def legend(chart: Chart) -> list[Key]:
    """Return the legend's entries; none where a single series needs no telling apart."""
    if isinstance(chart, LineChart):
        keys = [Key(line.name, series_colour(i), line.style, series_round(i)) for i, line in enumerate(chart.lines)]
        return keys if len(keys) > 1 or any(key.name and key.name not in chart.y_label for key in keys) else []
    if isinstance(chart, BarChart) and len(chart.groups) > 1:
        return [Key(name, series_colour(i), "bar", series_round(i)) for i, name in enumerate(chart.groups)]
    return []


def numbers(chart: Chart) -> Table | None:
    """Return the numbers behind a chart as a table; none for lines, whose points are too many to read."""
    if isinstance(chart, BarChart):
        groups = list(chart.groups.values())
        rows: list[list[Cell]] = [[name, *(group[i] for group in groups)] for i, name in enumerate(chart.categories)]
        return Table(["", *chart.groups], rows)
    if isinstance(chart, PointChart):
        return Table(["", chart.x_label, chart.y_label], [[name, x, y] for name, x, y in chart.points])
    return None


def remark(chart: Chart) -> str:
    """Return what the drawing leaves out, or an empty text."""
    if isinstance(chart, BarChart) and len(chart.categories) > MOST_CATEGORIES:
        return f"The first {MOST_CATEGORIES} of {len(chart.categories)} are drawn; the numbers below have all."
    return ""
