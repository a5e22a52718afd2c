"""The MinHash signature as a measure: kept with the document, so that another similarity threshold hashes no text again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from raylm.corpus.document import Document
from raylm.corpus.measures.base import Measure


@dataclass(frozen=True)
class Signature(Measure):
    """The signature of a document's shingle set, and the size of that set."""

    permutations: int
    """Hash functions: 32-bit values of a signature."""
    shingle: int
    """Tokens in a shingle."""

    @property
    def signature(self) -> str:
        """Name of the column with the signatures: `permutations` little-endian 32-bit values."""
        return f"minhash_{self.permutations}_{self.shingle}"

    @property
    def size(self) -> str:
        """Name of the column with the number of distinct shingles."""
        return f"shingles_{self.shingle}"

    @property
    def columns(self) -> Mapping[str, str]:
        """Return the two columns."""
        return {self.signature: "binary", self.size: "int64"}

    def measure(self, documents: Sequence[Document]) -> dict[str, Sequence[Any]]:
        """Return signatures, empty for documents without a token, and sizes."""
        from raylm.corpus.dedup.shingling import distinct, shingle_hashes
        from raylm.corpus.dedup.signatures import signatures

        flat, offsets = shingle_hashes([document.text for document in documents], self.shingle)
        packed = signatures(flat, offsets, self.permutations).astype("<u4")
        sizes = [len(distinct(flat[start:end])) for start, end in pairwise(offsets.tolist())]
        return {self.signature: [row.tobytes() if size else b"" for row, size in zip(packed, sizes, strict=True)], self.size: sizes}


def unpacked(column: Any) -> tuple[Any, Any]:
    """Return the signatures (signed documents, permutations) as uint64, and the rows that they belong to, of a binary column."""
    import numpy as np
    import pyarrow.compute as pc

    lengths = pc.fill_null(pc.binary_length(column), 0).to_numpy()
    rows = np.flatnonzero(lengths)
    if not len(rows):
        return np.empty((0, 0), dtype=np.uint64), rows
    data = b"".join(column.take(rows).to_pylist())
    return np.frombuffer(data, dtype="<u4").astype(np.uint64).reshape(len(rows), -1), rows
