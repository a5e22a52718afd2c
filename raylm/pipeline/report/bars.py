"""Bar charts: groups of bars per category, stacked or side by side, upright or lying.

Upright bars are laid down when their categories' names do not fit under them: names are worth more than the asked direction.
"""

import math
from collections.abc import Callable
from typing import Any

from raylm.figures import BarChart
from raylm.pipeline.readable import count, size
from raylm.pipeline.report.canvas import FONT, Canvas, Margins, grid, is_bytes, shorten, text_width, ticks
from raylm.pipeline.report.palette import INK, PAPER, QUIET, series_colour, series_round

MOST_CATEGORIES = 60
"""Categories that are drawn; the page says how many were left out."""
HATCHES = ("", "////", "....", "xxxx")
SMALL = FONT - 1


def draw_bars(chart: BarChart, width: float, prefix: str) -> str:
    """Return the chart as inline SVG of the given width in pixels.

    Raises:
        ValueError: a group has not one value per category, or there is nothing to draw.
    """
    for name, values in chart.groups.items():
        if len(values) != len(chart.categories):
            raise ValueError(f"{len(values)} values in group {name!r} for {len(chart.categories)} categories")
    if not chart.categories or not chart.groups:
        raise ValueError("the chart has no bars")
    categories = chart.categories[:MOST_CATEGORIES]
    groups = [[_number(value) for value in values[:MOST_CATEGORIES]] for values in chart.groups.values()]
    slot = (width - 70) / len(categories)
    fits = all(text_width(shorten(name, 1000), SMALL) <= slot - 6 for name in categories)
    draw = _lying if chart.horizontal or not fits else _upright
    return draw(chart, categories, groups, width).svg(prefix)


def _lying(chart: BarChart, categories: list[str], groups: list[list[float]], width: float) -> Canvas:
    room = width * 0.36
    names = [shorten(name, room, SMALL) for name in categories]
    left = max(text_width(name, SMALL) for name in names) + 12
    labels, ends = _end_labels(chart, groups, len(categories) * len(groups) <= 40 or chart.stacked)
    right = max((text_width(text, SMALL) for row in labels for text in row), default=0.0) + 14
    slot = 26.0 if chart.stacked or len(groups) == 1 else max(26.0, len(groups) * 15.0 + 9)
    margins = Margins(left=left, right=max(right, 14.0), top=6)
    canvas = Canvas(width, margins.top + margins.bottom + slot * len(categories))
    thickness = 0.72 if slot <= 26 else (slot - 9) / slot
    for index, (places, values, starts) in enumerate(_bars(groups, chart.stacked, thickness)):
        canvas.axes.barh(places, values, thickness if chart.stacked else thickness / len(groups), left=starts, **_look(index))
    canvas.axes.set_yticks(range(len(categories)), names)
    canvas.axes.set_ylim(len(categories) - 0.5, -0.5)
    _scale(canvas, "x", ends)
    canvas.axes.tick_params(axis="y", labelcolor=INK)
    ticks(canvas.axes.xaxis, chart.value_label, max(3, int((width - left) // 90)), False)
    canvas.place(margins)
    grid(canvas.axes, "x")
    canvas.axes.spines["bottom"].set_visible(False)
    canvas.axes.axvline(0, color=QUIET, linewidth=1)
    canvas.label_axes(chart.value_label, "", margins)
    for at, value, text in _texts(labels, ends, thickness):
        canvas.axes.annotate(text, (value, at), (4 if value >= 0 else -4, 0), textcoords="offset points", va="center",
                             ha="left" if value >= 0 else "right", fontsize=SMALL, color=INK)  # fmt: skip
    return canvas


def _upright(chart: BarChart, categories: list[str], groups: list[list[float]], width: float) -> Canvas:
    canvas = Canvas(width, round(min(320, 130 + width * 0.28)))
    slot = (width - 70) / len(categories)
    thickness = min(0.76, 90 * (1 if chart.stacked else len(groups)) / slot)
    labels, ends = _end_labels(chart, groups, True)
    widest = max((text_width(text, SMALL) for row in labels for text in row), default=0.0)
    for index, (places, values, starts) in enumerate(_bars(groups, chart.stacked, thickness)):
        canvas.axes.bar(places, values, thickness if chart.stacked else thickness / len(groups), bottom=starts, **_look(index))
    canvas.axes.set_xticks(range(len(categories)), [shorten(name, slot, SMALL) for name in categories])
    canvas.axes.set_xlim(-0.5, len(categories) - 0.5)
    _scale(canvas, "y", ends)
    canvas.axes.tick_params(axis="x", labelcolor=INK)
    margins = Margins(left=ticks(canvas.axes.yaxis, chart.value_label, 6, False) + 10, bottom=26, top=38)
    canvas.place(margins)
    grid(canvas.axes, "y")
    canvas.axes.spines["bottom"].set_visible(False)
    canvas.axes.axhline(0, color=QUIET, linewidth=1)
    canvas.label_axes("", chart.value_label, margins)
    if widest <= slot * thickness / (1 if chart.stacked else len(groups)):
        for at, value, text in _texts(labels, ends, thickness):
            canvas.axes.annotate(text, (at, value), (0, 4 if value >= 0 else -4), textcoords="offset points", ha="center",
                                 va="bottom" if value >= 0 else "top", fontsize=SMALL, color=INK)  # fmt: skip
    return canvas


def _look(index: int) -> dict[str, Any]:
    return {
        "color": series_colour(index), "edgecolor": PAPER, "linewidth": 1, "hatch": HATCHES[series_round(index) % len(HATCHES)],
    }  # fmt: skip


def _bars(groups: list[list[float]], stacked: bool, thickness: float) -> list[tuple[list[float], list[float], list[float]]]:
    """Return per group the bars' positions, lengths and starts; positive and negative parts are stacked apart."""
    up, down = [0.0] * len(groups[0]), [0.0] * len(groups[0])
    bars = []
    for index, values in enumerate(groups):
        shift = 0.0 if stacked else ((index + 0.5) / len(groups) - 0.5) * thickness
        starts = [0.0] * len(values)
        if stacked:
            starts = [up[i] if value >= 0 else down[i] for i, value in enumerate(values)]
            for i, value in enumerate(values):
                up[i], down[i] = up[i] + max(value, 0.0), down[i] + min(value, 0.0)
        bars.append(([i + shift for i in range(len(values))], values, starts))
    return bars


def _end_labels(chart: BarChart, groups: list[list[float]], wanted: bool) -> tuple[list[list[str]], list[list[float]]]:
    """Return the texts at the bars' ends, and those ends, one row per group or one row of totals.

    Totals that are all alike (shares of one) say nothing and are left out.
    """
    write: Callable[[float], str] = size if is_bytes(chart.value_label) else count
    ends = groups
    if chart.stacked:
        ends = [[sum(max(g[i], 0.0) for g in groups) for i in range(len(groups[0]))]]
        lows = [sum(min(g[i], 0.0) for g in groups) for i in range(len(groups[0]))]
        alike = len(ends[0]) > 1 and max(ends[0]) - min(ends[0]) <= 0.01 * max(ends[0])
        if min(lows) < 0 or alike:
            return [], [*ends, lows]
    return [[write(value) for value in row] for row in ends] if wanted else [], ends


def _texts(labels: list[list[str]], ends: list[list[float]], thickness: float) -> list[tuple[float, float, str]]:
    """Return position, end and text of every label."""
    return [
        (i + ((index + 0.5) / len(labels) - 0.5) * thickness, value, text)
        for index, row in enumerate(labels)
        for i, (text, value) in enumerate(zip(row, ends[index], strict=True))
    ]


def _scale(canvas: Canvas, axis: str, ends: list[list[float]]) -> None:
    """Let the value axis begin at zero and end just beyond the longest bar, with room for the labels of negative ones."""
    high, low = max(max(row) for row in ends), min(min(row) for row in ends)
    high, low = max(high, 0.0), min(low, 0.0)
    span = (high - low) or 1.0
    (canvas.axes.set_xlim if axis == "x" else canvas.axes.set_ylim)(low - 0.13 * span * (low < 0), high + 0.02 * span)


def _number(value: float | None) -> float:
    """Return what is drawn for a value: nothing (zero length) for one that is missing or not finite."""
    return float(value) if value is not None and math.isfinite(value) else 0.0
