"""The documents of a partition as one array of bytes, and spans of it that may occur elsewhere: shared by all that cuts repeats."""

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Texts:
    """The documents of a partition, one after the other, in UTF-8."""

    data: U8
    """(bytes,)"""
    offsets: I64
    """(documents + 1,) where each begins."""

    def document(self, places: I64) -> I64:
        """Return which document each byte is of."""
        return np.searchsorted(self.offsets, places, side="right").astype(np.int64) - 1

    def room(self, start: int, stop: int) -> I64:
        """Return for each byte of a range how many bytes its document has from it on."""
        first, last = int(self.document(np.array([start]))[0]), int(self.document(np.array([stop - 1]))[0])
        borders = np.clip(self.offsets[first : last + 2], start, stop)
        ends = np.repeat(self.offsets[first + 1 : last + 2], np.diff(borders))
        return np.asarray(ends - np.arange(start, stop), dtype=np.int64)

    @staticmethod
    def of(column: pa.ChunkedArray) -> "Texts":
        """Return the texts of a column of large strings without nulls, copying them at most once."""
        array = column.combine_chunks()
        if isinstance(array, pa.ChunkedArray):  # of several chunks, or none
            array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], pa.large_string())
        array = array.cast(pa.large_string())
        _, borders, data = array.buffers()
        if not len(array) or data is None:
            return Texts(np.empty(0, dtype=np.uint8), np.zeros(len(array) + 1, dtype=np.int64))
        offsets = np.frombuffer(borders, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
        return Texts(np.frombuffer(data, dtype=np.uint8)[offsets[0] : offsets[-1]], offsets - offsets[0])

    def bytes_of(self, document: int) -> bytes:
        """Return one document."""
        return cast(bytes, self.data[self.offsets[document] : self.offsets[document + 1]].tobytes())


@dataclass(frozen=True)
class Spans:
    """Pieces of the texts that may occur twice, in the order of their places."""

    starts: I64
    """(spans,) bytes where they begin, ascending; no two begin at one place."""
    ends: I64
    """(spans,) bytes where they end, ascending."""
    high: U64
    low: U64
    """(spans,) the halves of the 128-bit hashes of what must be equal."""


def ranges(texts: Texts, starts: I64, ends: I64) -> tuple[I64, I64]:
    """Return the ranges (begin, end) of bytes that spans cover, apart from each other and each inside one document.

    Args:
        texts: the documents.
        starts: (spans,) where the spans begin, ascending.
        ends: (spans,) where they end, ascending too.
    """
    if not len(starts):
        return starts, ends
    owner = texts.document(starts)
    apart = (starts[1:] > ends[:-1]) | (owner[1:] != owner[:-1])
    return starts[np.append(True, apart)], ends[np.append(apart, True)]
