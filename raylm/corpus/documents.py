"""From read records to rows: clean, mask, judge and sign each document in one pass, its words split once.

The rows of removed documents stay in the table, without their text, so that every document that was ever read is accounted for.
"""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from raylm.corpus.cleaning import clean
from raylm.corpus.config import CorpusConfig
from raylm.corpus.dedup.signatures import U64, band_keys, content_key, shingles, signatures
from raylm.corpus.masks import MASKS
from raylm.corpus.origin import document_id, partition
from raylm.corpus.sources import Record, Unread
from raylm.corpus.statistics import statistics, words

READ_SCHEMA = pa.schema(
    [
        ("part", pa.int32()),
        ("id", pa.string()),
        ("source", pa.string()),
        ("rank", pa.int16()),
        ("path", pa.string()),
        ("text", pa.string()),
        ("bytes", pa.int64()),
        ("raw_bytes", pa.int64()),
        ("read_bytes", pa.int64()),
        ("step", pa.string()),
        ("reason", pa.string()),
        *((f"masked_{name}", pa.int32()) for name in MASKS),
        ("content", pa.uint64()),
        ("bands", pa.binary()),
    ]
)
"""`text`, `content` (hash for exact duplicates) and `bands` (the band keys' bytes) are null in removed documents; `raw_bytes` is
what was in the file, `read_bytes` the UTF-8 of what was decoded, `bytes` that of the cleaned text."""


@dataclass
class Rows:
    """Rows of `READ_SCHEMA` under construction: documents are added one by one and signed together."""

    config: CorpusConfig
    parts: int
    """Partitions that documents are spread over."""
    bands: tuple[int, int]
    """Bands, and rows in each."""
    rows: list[dict[str, object]] = field(default_factory=list)
    _signed: list[int] = field(default_factory=list)
    _shingles: list[U64] = field(default_factory=list)

    def add(self, source: int, rank: int, origin: str, path: str, record: Record | Unread) -> None:
        """Add what one record of a file became."""
        name = self.config.sources[source].name
        identity = document_id(origin, name, record.index)
        row: dict[str, object] = {"part": partition(identity, self.parts), "id": identity, "source": name, "rank": rank,
                                  "path": path, "raw_bytes": record.raw_bytes, "bytes": record.raw_bytes, "read_bytes": 0,
                                  **{f"masked_{mask}": 0 for mask in MASKS}}
        if isinstance(record, Unread):
            row |= {"step": "read", "reason": record.reason}
        else:
            row |= self._judged(record)
        self.rows.append(row)

    def _judged(self, record: Record) -> dict[str, object]:
        """Clean, mask and judge one text; a kept one is queued for signing."""
        read_bytes = len(record.text.encode(errors="replace"))
        text, masked = self.config.mask.apply(clean(record.text))
        split = words(text)
        counts = statistics(text, split)
        row: dict[str, object] = {"read_bytes": read_bytes, "bytes": counts.bytes}
        row |= {f"masked_{kind}": count for kind, count in masked.items()}
        reason = self.config.rules.reason(text, counts, record.content)
        if reason:
            return row | {"step": "rules", "reason": reason}
        dedup = self.config.dedup
        if dedup.enabled and dedup.near:
            found = shingles(split, dedup.shingle)
            if len(found) >= dedup.min_shingles:
                self._signed.append(len(self.rows))
                self._shingles.append(found)
        return row | {"text": text, "content": content_key(text)}

    def table(self) -> pa.Table:
        """Return the rows added so far as a table, and start anew."""
        keys = band_keys(signatures(self._shingles, self.config.dedup.permutations), *self.bands)
        for index, row in enumerate(self._signed):
            self.rows[row]["bands"] = keys[index].tobytes()
        table = pa.Table.from_pylist(self.rows, schema=READ_SCHEMA)
        self.rows, self._signed, self._shingles = [], [], []
        return table


def band_matrix(column: pa.ChunkedArray) -> tuple[U64, np.ndarray]:
    """Return the band keys (signed documents, bands) of a `bands` column, and the rows that they belong to."""
    rows = np.flatnonzero(column.is_valid().to_numpy())
    if not len(rows):
        return np.empty((0, 0), dtype=np.uint64), rows
    data = b"".join(column.take(pa.array(rows)).to_pylist())
    return np.frombuffer(data, dtype=np.uint64).reshape(len(rows), -1), rows
