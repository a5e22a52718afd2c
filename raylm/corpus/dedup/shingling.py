"""The shingles of texts, as hashes: tokens are found, hashed and joined in whole arrays of characters, never as Python strings.

A token is what `raylm.corpus.text` says: a run of letters, digits and underscores where script is spaced, else a single character.
Its hash is a polynomial of its characters modulo 2^64, scrambled; a shingle's is a polynomial of its tokens' hashes, scrambled. Two
different shingles of one corpus share a 64-bit hash about never (a billion distinct ones: 3 % chance that any two do).
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from raylm.corpus.dedup.signatures import U64, mix
from raylm.corpus.segmenters import UNSPACED

_CHUNK = 1 << 19
"""Characters hashed at a time: the arrays of powers have this length. A longer run without a break between tokens is cut here."""
_BASE, _STEP = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1342543DE82EF95)
_OTHER, _LETTER, _SINGLE = 0, 1, 2


def shingles(text: str, n: int) -> U64:
    """Return the sorted distinct hashes of a text's n-token shingles; a text of fewer tokens has one, of all of them."""
    flat, _ = shingle_hashes([text], n)
    return distinct(flat)


def distinct(hashes: U64) -> U64:
    """Return distinct hashes, sorted."""
    ordered = np.sort(hashes)
    keep = np.ones(len(ordered), dtype=bool)
    keep[1:] = ordered[1:] != ordered[:-1]
    return ordered[keep]


def shingle_hashes(texts: Sequence[str], n: int) -> tuple[U64, npt.NDArray[np.int64]]:
    """Return the hashes of all texts' shingles, in order and with repetitions, and where each text's begin (texts + 1,)."""
    found, counts = [], []
    for group in _groups(texts):
        hashes, owners = _tokens(group)
        flat, own = _joined(hashes, owners, len(group), n)
        found.append(flat)
        counts.append(own)
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(counts))]) if counts else np.zeros(1)
    return np.concatenate(found) if found else np.empty(0, dtype=np.uint64), offsets.astype(np.int64)


def _groups(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield runs of texts with together about `_CHUNK` characters."""
    start = size = 0
    for place, text in enumerate(texts):
        if place > start and size + len(text) > _CHUNK:
            yield texts[start:place]
            start, size = place, 0
        size += len(text) + 1
    if start < len(texts):
        yield texts[start:]


def _tokens(texts: Sequence[str]) -> tuple[U64, npt.NDArray[np.int64]]:
    """Return the hash of each token of some texts, in order, and which text it is in."""
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    points = np.frombuffer("\n".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    ends = np.cumsum(lengths + 1)  # the break after each text belongs to it
    hashes, places = [], []
    start = 0
    while start < len(points):
        stop = _break(points, start)
        found, where = _hashed(points[start:stop])
        hashes.append(found)
        places.append(where + start)
        start = stop
    if not hashes:
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    return np.concatenate(hashes), np.searchsorted(ends, np.concatenate(places), side="right")


def _break(points: npt.NDArray[np.uint32], start: int) -> int:
    """Return where to cut: at most `_CHUNK` on, between two tokens if there is such a place in the last eighth."""
    stop = start + _CHUNK
    if stop >= len(points):
        return len(points)
    kinds = _kinds()[points[stop - _CHUNK // 8 : stop]]
    breaks = np.flatnonzero(kinds != _LETTER)
    return stop - _CHUNK // 8 + int(breaks[-1]) + 1 if len(breaks) else stop


def _hashed(points: npt.NDArray[np.uint32]) -> tuple[U64, npt.NDArray[np.int64]]:
    """Return the hashes of the tokens in a run of code points, and where each begins."""
    kinds = _kinds()[points]
    letter, single = kinds == _LETTER, kinds == _SINGLE
    first, last = letter.copy(), letter.copy()
    first[1:] &= ~letter[:-1]
    last[:-1] &= ~letter[1:]
    starts, ends = np.flatnonzero(first | single), np.flatnonzero(last | single) + 1
    powers, inverses = _powers()
    sums = np.zeros(len(points) + 1, dtype=np.uint64)
    np.cumsum((points.astype(np.uint64) + np.uint64(1)) * powers[: len(points)], out=sums[1:])
    return mix((sums[ends] - sums[starts]) * inverses[starts] + (ends - starts).astype(np.uint64) * _STEP), starts


def _joined(hashes: U64, owners: npt.NDArray[np.int64], texts: int, n: int) -> tuple[U64, npt.NDArray[np.int64]]:
    """Return the shingles' hashes of some texts, and how many each has, from their tokens' hashes."""
    tokens = np.bincount(owners, minlength=texts)
    counts = np.where(tokens >= n, tokens - n + 1, (tokens > 0).astype(np.int64))
    rolled = np.zeros(len(hashes), dtype=np.uint64)
    # Beyond a text's end nothing is added: so a text of fewer tokens has the shingle of all of them at its first.
    for offset in range(n):
        reach = len(hashes) - offset
        if reach <= 0:
            break
        same = owners[offset:] == owners[:reach]
        rolled[:reach] = np.where(same, rolled[:reach] * _BASE + hashes[offset:], rolled[:reach])
    first = np.concatenate([[0], np.cumsum(tokens)[:-1]])
    wanted = np.arange(len(hashes)) - first[owners] < counts[owners] if len(hashes) else np.empty(0, dtype=bool)
    return mix(rolled[wanted]), counts


@cache
def _kinds() -> npt.NDArray[np.uint8]:
    """Return for each code point whether it is no token's, part of one, or one by itself."""
    every = "".join(map(chr, range(0x110000)))
    kinds = np.zeros(0x110000, dtype=np.uint8)
    for kind, pattern in ((_LETTER, r"\w+"), (_SINGLE, f"[{UNSPACED}]+")):
        for match in re.finditer(pattern, every):
            kinds[match.start() : match.end()] = kind
    return kinds


@cache
def _powers() -> tuple[U64, U64]:
    """Return the powers of the base modulo 2^64, and of its inverse."""
    inverse = np.uint64(pow(int(_BASE), -1, 1 << 64))
    return tuple(np.concatenate([[np.uint64(1)], np.cumprod(np.full(_CHUNK - 1, one, dtype=np.uint64))])  # type: ignore[return-value]
                 for one in (_BASE, inverse))
