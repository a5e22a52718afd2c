"""Point charts: labelled points in a plane, the labels put where they cover neither each other nor a point."""

import math
from dataclasses import dataclass

from raylm.figures import PointChart
from raylm.pipeline.report.canvas import FONT, Canvas, Margins, grid, shorten, text_width, ticks
from raylm.pipeline.report.lines import finite
from raylm.pipeline.report.palette import INK, PAPER, QUIET, series_colour

RADIUS = 5.0
"""Of a point, in pixels."""
MOST_LABELS = 40
"""Beyond this many points only the points are drawn; the table below the chart names them."""


def draw_points(chart: PointChart, width: float, prefix: str) -> str:
    """Return the chart as inline SVG of the given width in pixels.

    Raises:
        ValueError: no point can be drawn.
    """
    points = [(name, *kept[0]) for name, x, y in chart.points if (kept := finite([x], [y], chart.log_x, False))]
    if not points:
        raise ValueError("the chart has no points")
    canvas = Canvas(width, round(min(380, 150 + width * 0.32)))
    axes = canvas.axes
    if chart.log_x:
        axes.set_xscale("log")
    axes.plot([x for _, x, _ in points], [y for _, _, y in points], "o", color=series_colour(0), markersize=2 * RADIUS,
              markeredgecolor=PAPER, markeredgewidth=1)  # fmt: skip
    axes.margins(x=0.14, y=0.16)
    if not chart.log_x and min(x for _, x, _ in points) >= 0:
        axes.set_xlim(left=max(axes.get_xlim()[0], 0))
    margins = Margins(left=ticks(axes.yaxis, chart.y_label, 6, False) + 10)
    ticks(axes.xaxis, chart.x_label, max(3, int(width // 90)), chart.log_x)
    canvas.place(margins)
    grid(axes, "both")
    axes.spines["bottom"].set_visible(False)
    canvas.label_axes(chart.x_label, chart.y_label, margins)
    if len(points) <= MOST_LABELS:
        _label(canvas, points, margins)
    return canvas.svg(prefix)


def _label(canvas: Canvas, points: list[tuple[str, float, float]], margins: Margins) -> None:
    positions = [(float(x), float(y)) for x, y in canvas.axes.transData.transform([(x, y) for _, x, y in points])]
    area = Box(margins.left, margins.bottom, canvas.width - 2, canvas.height - margins.top)
    names = [shorten(name, canvas.width * 0.45) for name, _, _ in points]
    for name, (x, y), box in zip(names, positions, place_labels(names, positions, area), strict=True):
        near_x, near_y = min(max(x, box.left), box.right), min(max(y, box.bottom), box.top)
        if math.hypot(near_x - x, near_y - y) > RADIUS * 2.5:
            canvas.axes.annotate("", (x, y), (near_x, near_y), xycoords="figure pixels", textcoords="figure pixels",
                                 arrowprops={"arrowstyle": "-", "color": QUIET, "linewidth": 0.8}, zorder=1)  # fmt: skip
        left = box.left >= x
        right = box.right <= x
        at = box.left if left else box.right if right else (box.left + box.right) / 2
        canvas.figure.text(at / canvas.width, (box.bottom + box.top) / 2 / canvas.height, name, color=INK,
                           ha="left" if left else "right" if right else "center", va="center_baseline")  # fmt: skip


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, y upwards."""

    left: float
    bottom: float
    right: float
    top: float

    def overlap(self, other: "Box") -> float:
        """Return the common area in square pixels."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(width, 0.0) * max(height, 0.0)

    @property
    def area(self) -> float:
        """Square pixels."""
        return (self.right - self.left) * (self.top - self.bottom)


def place_labels(names: list[str], positions: list[tuple[float, float]], area: Box) -> list[Box]:
    """Return a box for each label, near its point: each takes, in order, the free place that is closest.

    Places on rings of growing distance are tried, right and left first. Where none is free the least covered is taken.
    """
    taken = [Box(x - RADIUS - 1, y - RADIUS - 1, x + RADIUS + 1, y + RADIUS + 1) for x, y in positions]
    placed = []
    for name, (x, y) in zip(names, positions, strict=True):
        width, height = text_width(name), FONT * 1.25
        best, least = taken[0], math.inf
        for distance in (RADIUS + 4, 16, 28, 42, 60, 84):
            for angle in (0, 180, 90, 270, 30, 330, 150, 210, 60, 300, 120, 240):
                box = _beside(x, y, width, height, distance, math.radians(angle))
                covered = sum(box.overlap(other) for other in taken) + 3 * (box.area - box.overlap(area))
                if covered < least - 1e-6:
                    best, least = box, covered
            if least < 1e-6:
                break
        taken.append(best)
        placed.append(best)
    return placed


def _beside(x: float, y: float, width: float, height: float, distance: float, angle: float) -> Box:
    """Return the box of this size whose nearest side is `distance` from the point in the direction of `angle`."""
    across, up = math.cos(angle), math.sin(angle)
    left = x + distance * across - width * (0.5 - 0.5 * _sign(across))
    bottom = y + distance * up - height * (0.5 - 0.5 * _sign(up))
    return Box(left, bottom, left + width, bottom + height)


def _sign(value: float) -> int:
    return 0 if abs(value) < 1e-9 else 1 if value > 0 else -1
