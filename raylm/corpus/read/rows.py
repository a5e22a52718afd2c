"""From read records to rows: clean, mask and measure some hundred documents at a time, each text split once for all who ask.

What could not be read stays in the table, without a text, so that every document that was ever seen is accounted for.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from raylm.corpus.config import CorpusConfig
from raylm.corpus.dedup.signatures import content_key
from raylm.corpus.document import Document
from raylm.corpus.masks import MASKS
from raylm.corpus.measures.base import Measure
from raylm.corpus.origin import document_id, partition
from raylm.corpus.read.schema import masked_column, read_schema
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
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _documents: list[Document] = field(default_factory=list)
    _places: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        """Return how many rows the next table will have."""
        return len(self._rows)

    def add(self, source: int, origin: str, path: str, record: Record | Unread) -> None:
        """Add what one record of a file became."""
        name = self.config.sources[source].name
        identity = document_id(origin, name, record.index)
        row: dict[str, Any] = {"part": partition(identity, self.parts), "id": identity, "source": name, "path": path,
                               "raw_bytes": record.raw_bytes, "bytes": record.raw_bytes, "read_bytes": 0}
        if isinstance(record, Unread):
            row["unread"] = record.reason
        else:
            self._add_text(row, record)
        self._rows.append(row)

    def _add_text(self, row: dict[str, Any], record: Record) -> None:
        cleaned = self.config.clean.apply(record.text, record.content, row["source"])
        text, masked = self.config.mask.apply(cleaned, record.content)
        key = content_key(text)
        row |= {"text": text, "content": record.content, "url": record.url, "bytes": len(text.encode()),
                "read_bytes": len(record.text.encode(errors="replace")), "key": key >> 64, "key_low": key & _LOW,
                "metadata": json.dumps(dict(record.metadata), sort_keys=True, default=str) if record.metadata else None}
        row |= {masked_column(kind): count for kind, count in masked.items()}
        self._places.append(len(self._rows))
        self._documents.append(Document(text, record.content, row["source"], row["path"], record.url, record.metadata, masked))
        self.characters += len(text)

    def table(self) -> pa.Table:
        """Return the rows added so far as a table of `read_schema` and `part` (int32) before it, and start anew."""
        schema = read_schema(self.measures).insert(0, pa.field("part", pa.int32()))
        columns: dict[str, list[Any]] = {name: [row.get(name) for row in self._rows] for name in schema.names}
        for kind in MASKS:
            columns[masked_column(kind)] = [count or 0 for count in columns[masked_column(kind)]]
        for name, values in measured(self.measures, self._documents).items():
            for place, value in zip(self._places, values, strict=True):
                columns[name][place] = value
        self._rows, self._documents, self._places, self.characters = [], [], [], 0
        return pa.table({name: pa.array(columns[name], schema.field(name).type) for name in schema.names}, schema=schema)


def measured(measures: Sequence[Measure], documents: Sequence[Document]) -> dict[str, Sequence[Any]]:
    """Return all columns that some measures give of documents."""
    found: dict[str, Sequence[Any]] = {}
    for measure in measures:
        found |= measure.measure(documents)
    return found
