"""One panel as HTML: its title, its text, its tables and charts, each chart drawn for a desktop and for a telephone."""

from raylm.figures import Panel, Table
from raylm.pipeline.report.drawing import Chart, Key, draw, legend, numbers, remark
from raylm.pipeline.report.palette import with_variables
from raylm.pipeline.report.tables import table_html, text_html

WIDE, NARROW = 830.0, 350.0
"""Pixels of a chart: text in it keeps its size on both kinds of screen."""


def panel_html(panel: Panel, prefix: str) -> str:
    """Return the panel; each part that cannot be shown is replaced by one line that says why."""
    try:
        parts = [f"<h3>{text_html(panel.title)}</h3>"]
        parts += [f"<p>{text_html(paragraph)}</p>" for paragraph in panel.text.split("\n\n") if paragraph.strip()]
        parts += [_guarded(item, f"{prefix}c{place}", panel.title) for place, item in enumerate(panel.content)]
    except Exception as error:  # not even a panel
        parts = [_broken("This panel", error)]
    return '<div class="panel">' + "\n".join(parts) + "</div>"


def _guarded(item: Table | Chart, prefix: str, title: str) -> str:
    try:
        return table_html(item) if isinstance(item, Table) else _chart(item, prefix, title)
    except Exception as error:  # drawing fails in as many ways as data can be odd; one chart is all it may cost
        return _broken("This part", error)


def _broken(what: str, error: Exception) -> str:
    return f'<p class="broken">{what} could not be shown ({text_html(described(error))}).</p>'


def described(error: Exception) -> str:
    """Return an error's kind and message on one line."""
    return f"{type(error).__name__}: {error}"[:500]


def _chart(chart: Chart, prefix: str, title: str) -> str:
    keys = "".join(_key(key) for key in legend(chart))
    drawings = "\n".join(
        f'<div class="{name}">{draw(chart, width, prefix + name[0] + "-")}</div>'
        for name, width in (("wide", WIDE), ("narrow", NARROW))
    )
    table = numbers(chart)
    behind = f"<details><summary>The numbers</summary>{table_html(table)}</details>" if table else ""
    note = f'<p class="note">{text_html(remark(chart))}</p>' if remark(chart) else ""
    listed = f'<ul class="keys">{keys}</ul>' if keys else ""
    return f'<figure role="group" aria-label="{text_html(title)}">{listed}\n{drawings}{note}</figure>{behind}'


def _key(key: Key) -> str:
    mark = f"key {key.mark}{' again' if key.again else ''}"
    return f'<li><span class="{mark}" style="color:{with_variables(key.colour)}"></span>{text_html(key.name)}</li>'
