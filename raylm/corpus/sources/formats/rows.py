"""A row of a table becomes a document: its text out of one column, its address and what rules may want to know out of others."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from raylm.corpus.document import Value
from raylm.corpus.extract.sandbox import sandbox
from raylm.corpus.reading import TOO_LARGE, ReadError
from raylm.corpus.sources.base import Record, Unread
from raylm.corpus.sources.config import SourceConfig

NO_TEXT = "no text column"
VALUE_LIMIT = 10_000
"""Characters of a metadata value; what is longer is cut, for metadata is carried through every step."""
_MISSING = object()


@dataclass(frozen=True)
class Columns:
    """Which columns of a row are wanted, as one source says."""

    config: SourceConfig
    limit: int
    """Bytes that a text may have."""

    def names(self) -> list[str]:
        """Return the columns that are looked at."""
        return list(dict.fromkeys([self.config.text_column, *self.config.columns.values(), "url"]))

    def record(self, number: int, row: Mapping[str, Any], raw_bytes: int | None = None) -> Record | Unread:
        """Make the document of a row.

        Args:
            number: of the row in its file.
            row: Values by column.
            raw_bytes: of the row, for one that gives no text; those of its text otherwise.
        """
        text = lookup(row, self.config.text_column)
        if not isinstance(text, str):
            return Unread(number, NO_TEXT, raw_bytes or 0)
        size = len(text.encode(errors="replace"))
        if size > self.limit:
            return Unread(number, TOO_LARGE, size)
        if self.config.extract_rows and self.config.extract:
            try:
                text = sandbox(self.config.extract, self.config.extract_seconds).text(text)
            except ReadError as error:
                return Unread(number, error.reason, size)
        url, metadata = self.about(row)
        return Record(number, text, size, self.config.content or "prose", alone=True, url=url, metadata=metadata)

    def about(self, row: Mapping[str, Any]) -> tuple[str | None, dict[str, Value]]:
        """Return a row's address and metadata."""
        found = {name: plain(lookup(row, column)) for name, column in ({"url": "url"} | self.config.columns).items()}
        url = found.pop("url")
        return url if isinstance(url, str) and url.strip() else None, found


def lookup(row: Mapping[str, Any], column: str) -> Any:
    """Return the value of a column, or of the field `b` in `a` for `a.b`; None if there is none."""
    value = row.get(column, _MISSING)
    if value is not _MISSING or "." not in column:
        return None if value is _MISSING else value
    inner: Any = row
    for part in column.split("."):
        inner = inner.get(part) if isinstance(inner, Mapping) else None
    return inner


def plain(value: Any) -> Value:
    """Return a value as one that JSON and Parquet hold: strings short and of valid Unicode, numbers finite, the rest as JSON."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else float(value) if abs(value) < 10**300 else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        value = value[:VALUE_LIMIT].decode("utf-8", "replace")
    elif not isinstance(value, str):
        try:
            value = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
        except (ValueError, TypeError, RecursionError):
            return None
        value = value.removeprefix('"').removesuffix('"') if value.startswith('"') else value
    return value[:VALUE_LIMIT].encode("utf-8", "replace").decode("utf-8")
