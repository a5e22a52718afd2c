"""Line charts: series over a common axis, with named reference levels written at the right of the plot."""

import math
from collections.abc import Sequence
from typing import Any

from raylm.figures import LineChart
from raylm.pipeline.readable import figure
from raylm.pipeline.report.canvas import FONT, Canvas, Margins, grid, shorten, text_width, ticks
from raylm.pipeline.report.palette import GRID, INK, PAPER, QUIET, series_colour, series_round

MOST_POINTS = 500
"""Points of one series that are drawn; a longer series is thinned, keeping its peaks."""
DASHES: tuple[Any, ...] = ("-", "-.", ":", (0, (8, 2, 1, 2, 1, 2)))


def draw_lines(chart: LineChart, width: float, prefix: str) -> str:
    """Return the chart as inline SVG of the given width in pixels.

    Raises:
        ValueError: a series has not as many y as x, or nothing in the chart can be drawn.
    """
    series = [finite(line.x, line.y, chart.log_x, chart.log_y) for line in chart.lines]
    levels = {name: y for name, y in chart.levels.items() if math.isfinite(y) and (y > 0 or not chart.log_y)}
    if not any(points for points in series):
        raise ValueError("the chart has no points")
    canvas = Canvas(width, round(min(330, 130 + width * 0.3)))
    axes = canvas.axes
    if chart.log_x:
        axes.set_xscale("log")
    if chart.log_y:
        axes.set_yscale("log")
    for index, (line, points) in enumerate(zip(chart.lines, series, strict=True)):
        colour, dash = series_colour(index), DASHES[series_round(index) % len(DASHES)]
        drawn = thin(points)
        x, y = [a for a, _ in drawn], [b for _, b in drawn]
        if line.style == "points" or len(points) == 1:
            axes.plot(x, y, "o", color=colour, markersize=6, markeredgecolor=PAPER, markeredgewidth=1)
        else:
            width_of_line = 1.9 if len(points) <= 200 else 1.3
            axes.plot(x, y, linestyle=(0, (5, 2.5)) if line.style == "dashed" else dash, color=colour, linewidth=width_of_line)
    for level in levels.values():
        axes.axhline(level, color=INK, linewidth=1.1, linestyle=(0, (2, 2)), zorder=1.5)
    axes.margins(x=0.015, y=0.07)
    _finish(canvas, chart, levels)
    return canvas.svg(prefix)


def _finish(canvas: Canvas, chart: LineChart, levels: dict[str, float]) -> None:
    room = canvas.width * 0.32
    shown = [(f"{shorten(name, room - text_width(f' {figure(y)}'))} {figure(y)}", y) for name, y in levels.items()]
    left = ticks(canvas.axes.yaxis, chart.y_label, 7, chart.log_y) + 10
    ticks(canvas.axes.xaxis, chart.x_label, max(3, int(canvas.width // 90)), chart.log_x)
    margins = Margins(left=left, right=max((text_width(name) for name, _ in shown), default=0.0) + 12)
    canvas.place(margins)
    grid(canvas.axes, "y")
    canvas.axes.spines["bottom"].set_color(GRID)
    canvas.label_axes(chart.x_label, chart.y_label, margins)
    _name_levels(canvas, shown, canvas.height - margins.top - margins.bottom)


def _name_levels(canvas: Canvas, levels: list[tuple[str, float]], plot: float) -> None:
    """Write each level's name at the right of the plot (`plot` pixels high), moved apart and tied to its line if need be."""
    axes = canvas.axes
    edge = axes.get_xlim()[1]
    fractions = [float(axes.transAxes.inverted().transform(axes.transData.transform((edge, y)))[1]) for _, y in levels]
    given = spread([fraction * plot for fraction in fractions], FONT * 1.3, plot)
    for (name, _), wanted, pixels in zip(levels, fractions, given, strict=True):
        y = pixels / plot
        if abs(y - wanted) * plot > 2:
            axes.annotate("", (1, y), xytext=(1, wanted), xycoords="axes fraction", textcoords="axes fraction",
                          arrowprops={"arrowstyle": "-", "color": QUIET, "linewidth": 0.8}, annotation_clip=False)  # fmt: skip
        axes.annotate(name, (1, y), (9, 0), xycoords="axes fraction", textcoords="offset points", va="center_baseline",
                      color=INK, annotation_clip=False)  # fmt: skip


def finite(x: Sequence[float], y: Sequence[float], log_x: bool, log_y: bool) -> list[tuple[float, float]]:
    """Return the points that can be drawn: finite, and above zero where the axis is logarithmic.

    Raises:
        ValueError: there are not as many y as x.
    """
    if len(x) != len(y):
        raise ValueError(f"{len(x)} x values and {len(y)} y values in one series")
    points = [(float(a), float(b)) for a, b in zip(x, y, strict=True) if a is not None and b is not None]
    return [
        (a, b) for a, b in points
        if math.isfinite(a) and math.isfinite(b) and (a > 0 or not log_x) and (b > 0 or not log_y)
    ]  # fmt: skip


def thin(points: list[tuple[float, float]], most: int = MOST_POINTS) -> list[tuple[float, float]]:
    """Return at most about `most` points: of each of `most / 2` equal runs the lowest and the highest, so no peak is lost."""
    if len(points) <= most:
        return points
    runs = most // 2
    kept = {0, len(points) - 1}
    for run in range(runs):
        indexes = range(run * len(points) // runs, (run + 1) * len(points) // runs)
        kept.add(min(indexes, key=lambda i: points[i][1]))
        kept.add(max(indexes, key=lambda i: points[i][1]))
    return [points[i] for i in sorted(kept)]


def spread(wanted: Sequence[float], gap: float, room: float) -> list[float]:
    """Return positions in `[0, room]` close to the wanted ones and, where the room allows, at least `gap` apart."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    gap = min(gap, room / max(len(wanted) - 1, 1))
    given = [0.0] * len(wanted)
    floor = 0.0
    for i in order:
        floor = given[i] = max(wanted[i], floor)
        floor += gap
    ceiling = room
    for i in reversed(order):
        ceiling = given[i] = min(given[i], ceiling)
        ceiling -= gap
    return given
