"""Finding every passage of at least L bytes that occurs twice, in two passes of hashes instead of one suffix array.

Winnowing (Schleimer, Wilkerson, Aiken 2003) names each window of L bytes by the smallest hash of the shorter windows in it. Equal
windows have equal names, and a name is kept for many windows in a row, so pass 1 moves a name for about every 26 bytes (at L = 100)
to find those that occur at two places. Pass 2 hashes only the windows so named, in 128 bits. What it finds is exact: the
bytes covered are those that a suffix array with its longest common prefixes finds, but for collisions: two given windows have one
in 2^122, so all 10^12 windows of a terabyte have any with chance 10^-13. Unlike a suffix array, both passes shuffle.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from raylm.corpus.dedup.rolling import U64, doubled, window_hashes, window_maxima, window_minima
from raylm.corpus.dedup.texts import Spans, Texts

I64 = npt.NDArray[np.int64]

BLOCK = 1 << 17
"""Window starts hashed at once: their arrays stay in a core's cache."""
STRETCH = 1 << 22
"""Bytes of text whose windows are handed on together: what bounds pass 2's memory, about 50 bytes for each of these."""


def gram(length: int) -> int:
    """Return the length of the shorter windows: half, rounded up, so that two of them cover a window."""
    return (length + 1) // 2


def names(texts: Texts, start: int, stop: int, length: int) -> tuple[U64, U64, npt.NDArray[np.bool_]]:
    """Name the windows of `length` bytes that begin in a range.

    Returns:
        The hashes of the shorter windows of the range (stop - start + length - gram,), fewer at the end of the texts; for each
        window its name, the smallest of the hashes in it, 0 if it does not fit into its document; and whether it fits.
    """
    data = texts.data[start : min(stop + length - 1, len(texts.data))]
    hashes = window_hashes(data, gram(length), 1)
    found = window_minima(hashes, length - gram(length) + 1)
    fits = texts.room(start, start + len(found)) >= length if len(found) else np.empty(0, dtype=bool)
    return hashes, np.where(fits, found, np.uint64(0)), fits


def fingerprints(texts: Texts, length: int) -> tuple[U64, I64]:
    """Return pass 1's rows of a partition: the distinct names of its windows, sorted, and at how many places each is.

    A shorter window is counted wherever it is the smallest of some window, ties and all. So text of a short period, where
    windows overlap their own copies, has names that count twice; and a million copies of a licence are one row for each name.
    """
    found: list[tuple[U64, I64]] = []
    width = length - gram(length) + 1
    for start in range(0, len(texts.data), BLOCK):
        hashes, named, _ = names(texts, start, min(start + BLOCK, len(texts.data)), length)
        if len(named):
            edge = np.zeros(width - 1, dtype=np.uint64)
            largest = window_maxima(np.concatenate([edge, named, edge]), width)  # of the names of the windows around each
            found.append(_counted([(hashes[(largest == hashes) & (largest > 0)], None)]))
        if len(found) == 64:
            found = [_counted(list(found))]
    return _counted(list(found))


def _counted(parts: list[tuple[U64, I64 | None]]) -> tuple[U64, I64]:
    """Return the distinct values of all parts, sorted, and the sum of their counts (1 each where there are none)."""
    if not parts:
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    if len(parts) == 1 and parts[0][1] is not None:
        return parts[0][0], parts[0][1]
    values = np.concatenate([part[0] for part in parts])
    counts = np.concatenate([np.ones(len(part[0]), dtype=np.int64) if part[1] is None else part[1] for part in parts])
    order = np.argsort(values)
    values = values[order]
    starts = np.flatnonzero(np.append(True, values[1:] != values[:-1])) if len(values) else np.empty(0, dtype=np.int64)
    return values[starts], np.add.reduceat(counts[order], starts) if len(starts) else starts


def suspects(texts: Texts, length: int, repeated: U64) -> Iterator[Spans]:
    """Yield pass 2's windows of a partition, a `STRETCH` of text at a time: those whose name is among the sorted `repeated`."""
    for begin in range(0, len(texts.data), STRETCH):
        end = min(begin + STRETCH, len(texts.data))
        parts = [_suspects(texts, start, min(start + BLOCK, end), length, repeated) for start in range(begin, end, BLOCK)]
        starts, high, low = (np.concatenate(column) for column in zip(*parts, strict=True))
        if len(starts):
            yield Spans(starts, starts + length, high, low)


def _suspects(texts: Texts, start: int, stop: int, length: int, repeated: U64) -> tuple[I64, U64, U64]:
    hashes, named, fits = names(texts, start, stop, length)
    runs = np.flatnonzero(np.append(True, named[1:] != named[:-1])) if len(named) else np.empty(0, dtype=np.int64)
    among = _among(named[runs], repeated)
    chosen = np.repeat(among, np.diff(np.append(runs, len(named)))) & fits
    places = np.flatnonzero(chosen)
    if not len(places):
        return places, np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.uint64)
    high = doubled(hashes, length - gram(length), 1)[places] if length > 1 else hashes[places]
    low = window_hashes(texts.data[start : start + len(named) + length - 1], length, 2)[places]
    return places + start, high, low


def _among(values: U64, ordered: U64) -> npt.NDArray[np.bool_]:
    """Return which values are among the sorted ones."""
    if not len(ordered):
        return np.zeros(len(values), dtype=bool)
    at = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    return np.asarray(ordered[at] == values)
