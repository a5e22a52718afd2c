"""Numbers and times as people read them: 1.2 M, 3.4 kB, 2 min 05 s.

The terminal display, the tables and the report share these, so that a figure looks the same wherever it is met. The space
before a unit is a no-break space, and everything is pure.
"""

import math
import re

SPACE = "\u00a0"
_COUNT_UNITS = ("", "k", "M", "B", "T")
_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def count(value: float, digits: int = 3) -> str:
    """Return a number with `digits` significant digits and k, M, B (10^9) or T: 1234567 -> `1.23 M`."""
    return _scaled(value, _COUNT_UNITS, digits)


def size(value: float, digits: int = 3) -> str:
    """Return a number of bytes in decimal units: 3400 -> `3.4 kB`."""
    return _scaled(value, _BYTE_UNITS, digits)


def figure(value: float) -> str:
    """Return a number for a table: whole numbers exactly, with separators; others to four significant digits."""
    if isinstance(value, float) and not math.isfinite(value):
        return "∞" if value == math.inf else "−∞" if value == -math.inf else "–"
    if isinstance(value, int) or (value == int(value) and abs(value) < 1e15):
        return _minus(f"{int(value):,}")
    if abs(value) >= 1e4:
        return _minus(f"{value:,.0f}")
    return _minus(f"{value:.4g}")


def duration(seconds: float) -> str:
    """Return a time span: `0.4 s`, `42 s`, `2 min 05 s`, `1 h 02 min`, `3 d 04 h`."""
    if not math.isfinite(seconds) or seconds < 0:
        return "–"
    if seconds < 9.95:
        return f"{seconds:.1f}{SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}{SPACE}d{SPACE}{hours:02d}{SPACE}h"
    if hours:
        return f"{hours}{SPACE}h{SPACE}{minutes:02d}{SPACE}min"
    if minutes:
        return f"{minutes}{SPACE}min{SPACE}{rest:02d}{SPACE}s"
    return f"{rest}{SPACE}s"


def plain_text(text: object) -> str:
    """Return text without control characters (terminal escapes, NUL, reversed writing) and lone surrogates.

    Each becomes a replacement mark; newlines and tabs stay.
    """
    return _CONTROL.sub("\ufffd", str(text))


def _scaled(value: float, units: tuple[str, ...], digits: int) -> str:
    if not math.isfinite(value):
        return figure(float(value))
    magnitude = abs(value)
    power = 0
    while power + 1 < len(units) and float(f"{magnitude:.{digits}g}") >= 1000:
        magnitude /= 1000
        power += 1
    text = f"{magnitude:.{digits}g}"
    if "e+" in text:
        text = f"{magnitude:,.0f}"
    sign = "−" if value < 0 and float(text.replace(",", "")) != 0 else ""
    return f"{sign}{text}{SPACE}{units[power]}" if units[power] else f"{sign}{text}"


def _minus(text: str) -> str:
    return "−" + text[1:] if text.startswith("-") else text
