"""The report's colours: one set for paper, one for the dark, safe for colour-blind readers (after Okabe and Ito, 2008).

Charts are drawn in the light colours and each is then replaced by a CSS variable of the page, so one drawing serves both
appearances. Every colour here must therefore be unique.
"""

SERIES = ("#0b6bb0", "#d9800d", "#0f9172", "#c25b94", "#4fa8dc", "#c2500f", "#8a7a16", "#6a5acd")
"""Colours of series in order; more series repeat them with another line style or a hatch."""

INK, QUIET, GRID, PAPER = "#1d232b", "#5e6875", "#e3e6ea", "#fffffe"

LIGHT = {"ink": INK, "quiet": QUIET, "grid": GRID, "paper": PAPER, **{f"c{i}": c for i, c in enumerate(SERIES)}}
DARK = {
    "ink": "#e6e9ed", "quiet": "#9aa5b1", "grid": "#2c333c", "paper": "#171b21",
    "c0": "#4fa3e3", "c1": "#f0a23c", "c2": "#2fbf9b", "c3": "#df86b6", "c4": "#8ccbf2", "c5": "#e97b3f", "c6": "#c9b64a",
    "c7": "#9a8df0",
}

_VARIABLES = {colour: f"var(--{name})" for name, colour in LIGHT.items()}


def series_colour(index: int) -> str:
    """Return the colour of the series at `index`."""
    return SERIES[index % len(SERIES)]


def series_round(index: int) -> int:
    """Return how often the colours were used up before the series at `index`."""
    return index // len(SERIES)


def with_variables(svg: str) -> str:
    """Replace every colour of the palette in an SVG's styles by the page's CSS variable."""
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, variable)
    return svg


def variables() -> tuple[str, str]:
    """Return the CSS declarations of the light and of the dark appearance."""
    light, dark = ("".join(f"--{name}:{colour};" for name, colour in colours.items()) for colours in (LIGHT, DARK))
    return light, dark
