"""How a figure is written where there may be none: an invented 0 would read as a result."""


def shown(value: float | None, form: str = ".3f") -> str:
    """Return a figure in a format of Python's, or a dash for None."""
    return "–" if value is None else format(value, form)
