"""From read records to rows: clean, mask and measure some hundred documents at a time, each text split once for all who ask.

What could not be read stays in the table, without a text, so that every document that was ever seen is accounted for.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import pyarrow as pa

from raylm.corpus.config import CorpusConfig
from raylm.corpus.dedup.signatures import content_key
from raylm.corpus.document import Document
from raylm.corpus.masks import MASKS
from raylm.corpus.measures.base import Measure
from raylm.corpus.origin import document_id, partition
from raylm.corpus.read.schema import BASE, masked_column, read_schema
from raylm.corpus.sources import Record, Unread

_LOW = (1 << 64) - 1


@dataclass
class Rows:
    """Rows of `read_schema` under construction: documents are added one by one and measured together."""

    config: CorpusConfig
    measures: Sequence[Measure]
    parts: int
    """Partitions that documents are spread over."""
    characters: int = 0
    """Of the texts added since the last table."""
    _rows: list[tuple[Any, ...]] = field(default_factory=list)
    """Values of `_COLUMNS`."""
    _documents: list[Document] = field(default_factory=list)
    _places: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        """Return how many rows the next table will have."""
        return len(self._rows)

    def add(self, source: int, origin: str, path: str, record: Record | Unread) -> None:
        """Add what one record of a file became."""
        name = self.config.sources[source].name
        identity = document_id(origin, name, record.index)
        base = (partition(identity, self.parts), identity, name, path)
        if isinstance(record, Unread):
            size = record.raw_bytes
            self._rows.append((*base, None, None, None, None, size, size, 0, record.reason, None, None))
        else:
            self._add_text(base, record)

    def _add_text(self, base: tuple[int, str, str, str], record: Record) -> None:
        *_, source, path = base
        cleaned = self.config.clean.apply(record.text, record.content, source)
        text, masked = self.config.mask.apply(cleaned, record.content)
        key = content_key(text)
        metadata = json.dumps(dict(record.metadata), sort_keys=True, default=str) if record.metadata else None
        self._places.append(len(self._rows))
        self._rows.append((*base, record.content, record.url, metadata, text, len(text.encode()), record.raw_bytes,
                           len(record.text.encode(errors="replace")), None, key >> 64, key & _LOW))
        self._documents.append(Document(text, record.content, source, path, record.url, record.metadata, masked))
        self.characters += len(text)

    def table(self) -> pa.Table:
        """Return the rows added so far as a table of `read_schema` and `part` (int32) before it, and start anew."""
        schema = read_schema(self.measures).insert(0, pa.field("part", pa.int32()))
        values = zip(*self._rows, strict=True) if self._rows else repeat(())
        found: dict[str, Sequence[Any]] = dict(zip(_COLUMNS, values, strict=False))
        for kind in MASKS:
            found[masked_column(kind)] = self._spread([document.masked.get(kind, 0) for document in self._documents], 0)
        for name, column in measured(self.measures, self._documents).items():
            found[name] = self._spread(column, None)
        self._rows, self._documents, self._places, self.characters = [], [], [], 0
        return pa.table({name: pa.array(found[name], schema.field(name).type) for name in schema.names}, schema=schema)

    def _spread(self, values: Sequence[Any], otherwise: Any) -> Sequence[Any]:
        """Return the documents' values as those of all rows."""
        if len(values) == len(self._rows):
            return values
        spread = [otherwise] * len(self._rows)
        for place, value in zip(self._places, values, strict=True):
            spread[place] = value
        return spread


_COLUMNS = ("part", *(name for name, _ in BASE))


def measured(measures: Sequence[Measure], documents: Sequence[Document]) -> dict[str, Sequence[Any]]:
    """Return all columns that some measures give of documents."""
    found: dict[str, Sequence[Any]] = {}
    for measure in measures:
        found |= measure.measure(documents)
    return found
