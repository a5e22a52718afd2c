"""Tables as HTML: numbers right-aligned and readable, long cells folded, long tables scrolling under a fixed head."""

from html import escape

from raylm.figures import Cell, Table
from raylm.pipeline.readable import figure, plain_text

MOST_ROWS = 1000
TALL = 14
"""Rows beyond which a table scrolls within its own frame."""
LONG_CELL = 280
LONGEST_CELL = 4000


def text_html(text: object) -> str:
    """Escape any text for use in HTML content or in a quoted attribute; control characters are shown as a mark."""
    return escape(plain_text(text), quote=True)


def table_html(table: Table) -> str:
    """Return the table as HTML.

    Raises:
        ValueError: a row has not one cell per column.
    """
    for row in table.rows:
        if len(row) != len(table.columns):
            raise ValueError(f"a row of {len(row)} cells under {len(table.columns)} columns")
    rows = table.rows[:MOST_ROWS]
    numeric = [bool(rows) and all(_is_number(row[i]) or row[i] is None for row in rows) for i in range(len(table.columns))]
    classes = [' class="n"' if flag else "" for flag in numeric]
    head = "".join(f"<th{mark}>{text_html(name)}</th>" for mark, name in zip(classes, table.columns, strict=True))
    body = "\n".join(
        "<tr>" + "".join(f"<td{mark}>{_cell(cell)}</td>" for mark, cell in zip(classes, row, strict=True)) + "</tr>"
        for row in rows
    )
    frame = "scroll tall" if len(rows) > TALL else "scroll"
    note = f'<p class="note">The first {MOST_ROWS:,} of {len(table.rows):,} rows.</p>' if len(table.rows) > MOST_ROWS else ""
    focus = ' tabindex="0"' if len(rows) > TALL else ""
    return f'<div class="{frame}"{focus}><table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>{note}'


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int | float):
        return figure(cell)
    text = plain_text(cell)
    if len(text) <= LONG_CELL:
        return text_html(text)
    cut = f"\n… ({len(text):,} characters in all)" if len(text) > LONGEST_CELL else ""
    start = " ".join(text[:120].split())
    return f"<details><summary>{text_html(start)}…</summary>{text_html(text[:LONGEST_CELL] + cut)}</details>"
