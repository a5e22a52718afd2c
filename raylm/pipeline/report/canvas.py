"""An empty chart of a fixed size in pixels: axes in the house style, and its way into the page as inline SVG.

Margins are computed from estimated text widths instead of matplotlib's layout engines, which draw everything twice; text stays
text in the SVG (selectable, any script, the page's font), so the exact width is the reader's anyway.
"""

import io
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from raylm.pipeline.readable import count, plain_text, size
from raylm.pipeline.report.palette import GRID, INK, QUIET, with_variables

FONT = 13.0
"""Height of the charts' text in pixels."""

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "raylm", "text.parse_math": False, "axes.unicode_minus": True,
    "font.size": FONT, "font.family": "DejaVu Sans", "text.color": INK, "path.simplify": True, "hatch.linewidth": 1.0,
}


@dataclass(frozen=True)
class Margins:
    """Pixels between the plot's area and the picture's borders."""

    left: float = 8.0
    right: float = 12.0
    top: float = 26.0
    bottom: float = 42.0


class Canvas:
    """A figure of `width` x `height` pixels with one pair of axes."""

    def __init__(self, width: float, height: float) -> None:
        """Make the empty figure; use it inside `style()`."""
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        FigureCanvasSVG(self.figure)
        self.figure.patch.set_alpha(0)
        self.axes: Axes = self.figure.add_axes((0.1, 0.1, 0.8, 0.8))
        self.axes.patch.set_alpha(0)
        self.axes.set_axisbelow(True)
        for side, spine in self.axes.spines.items():
            spine.set_visible(side == "bottom")
            spine.set_color(QUIET)
        self.axes.tick_params(length=0, pad=6, labelcolor=QUIET, labelsize=FONT - 1)

    def place(self, margins: Margins) -> None:
        """Put the axes inside the margins."""
        self.axes.set_position((
            margins.left / self.width, margins.bottom / self.height,
            max(self.width - margins.left - margins.right, 20) / self.width,
            max(self.height - margins.top - margins.bottom, 20) / self.height,
        ))  # fmt: skip

    def label_axes(self, x_label: str, y_label: str, margins: Margins) -> None:
        """Write the y label level above the plot, where it can be read, and the x label below its right end."""
        inside = self.width - 4
        self.figure.text(0, 1 - 6 / self.height, shorten(y_label, inside), va="top", color=QUIET)
        self.figure.text(
            1 - margins.right / self.width, 4 / self.height, shorten(x_label, inside), ha="right", va="bottom", color=QUIET
        )

    def svg(self, prefix: str) -> str:
        """Return the drawing as an inline SVG element whose ids all begin with `prefix`."""
        stream = io.StringIO()
        self.figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
        return _inline(stream.getvalue(), prefix)


def style() -> Any:
    """Return the context in which charts are made: matplotlib's defaults with the house style, whatever the user's own say."""
    return mpl.style.context(["default", _STYLE])


def text_width(text: str, font: float = FONT) -> float:
    """Estimate the width of a text in pixels, on the safe side for common sans-serif fonts."""
    return sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.58 for c in text) * font


def shorten(text: object, pixels: float, font: float = FONT) -> str:
    """Return the text on one line, cut with an ellipsis to fit the width in pixels."""
    line = " ".join(plain_text(text).split())
    if text_width(line, font) <= pixels:
        return line
    while line and text_width(line + "…", font) > pixels:
        line = line[:-1]
    return line.rstrip() + "…"


def ticks(axis: Axis, label: str, number: int, log: bool) -> float:
    """Give an axis round ticks with readable numbers (bytes where its label says so); return the widest number's pixels."""
    low, high = sorted(axis.get_view_interval())
    if log and low > 0 and high / low > 15:
        axis.set_major_locator(LogLocator(10, subs=(1.0,) if high / low > 1000 else (1.0, 2.0, 5.0), numticks=number))
    else:
        axis.set_major_locator(MaxNLocator(number, steps=[1, 2, 2.5, 5, 10]))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    formatted = tick_format(label, high)
    axis.set_major_formatter(FuncFormatter(lambda value, _: formatted(value)))
    shown = [value for value in axis.get_majorticklocs() if low <= value <= high]
    return max((text_width(formatted(value), FONT - 1) for value in shown), default=0.0)


def tick_format(label: str, high: float) -> Any:
    """Return the function that writes the numbers of an axis with this label and largest value."""
    if is_bytes(label):
        return lambda value: size(value, 6) if value else "0"
    if abs(high) < 10_000:
        return lambda value: f"{value:,.6g}".replace("-", "−")
    return lambda value: count(value, 6)


def is_bytes(label: str) -> bool:
    """Whether a label speaks of bytes, and not of bytes per something."""
    return re.search(r"\bbytes\b(?! per\b| ?/)", label, re.IGNORECASE) is not None


def grid(axes: Axes, which: Any) -> None:
    """Draw the light lines along one axis' ticks."""
    axes.grid(axis=which, color=GRID, linewidth=1)


def _inline(svg: str, prefix: str) -> str:
    """Strip what only a file of its own needs, and make the ids unique in the page."""
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", svg)
    head, body = svg.split(">", 1)
    head = re.sub(r'\s(width|height|version)="[^"]*"', "", head)
    body = body.replace("xlink:href=", "href=")
    body = re.sub(r'\sid="([^"]+)"', rf' id="{prefix}\1"', body)
    body = re.sub(r'(href="#|url\(#)', rf"\1{prefix}", body)
    body = re.sub(r"\n\s*", "\n", body)
    return with_variables(f'{head} aria-hidden="true" focusable="false">{body}').strip()
