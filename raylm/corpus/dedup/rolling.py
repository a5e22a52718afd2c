"""A hash of every window of a text's bytes, and the smallest hash in every run of windows: the two vectorised loops of winnowing.

Windows are hashed by doubling (1, 2, 4, ... bytes, then two overlapping halves make any length), each time with a multiplication
and a shift. Polynomials modulo 2^64, the usual rolling hash, collide on Thue-Morse strings whatever their base; this does not
add up, and costs the same few passes over a block that stays in cache.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]

_SHIFT = np.uint64(32)


def window_hashes(data: U8, length: int, seed: int) -> U64:
    """Return the 64-bit hash of each window of `length` bytes: (bytes - length + 1,), empty if there is none.

    Windows of equal bytes have equal hashes; two given different windows collide with chance about 2^-60 (2^-64 per doubling).
    Different seeds give independent hashes. The function never changes: it decides what an artifact holds.
    """
    if len(data) < length:
        return np.empty(0, dtype=np.uint64)
    return sequence_hashes(_constants(seed)[0][data], length, seed)


def sequence_hashes(hashes: U64, length: int, seed: int) -> U64:
    """Return a hash of each `length` hashes in a row (of bytes, of words): (hashes - length + 1,), empty if there is none."""
    if len(hashes) < length:
        return np.empty(0, dtype=np.uint64)
    factor = _constants(seed)[1]
    reach = 1  # how many of them one hash covers
    while reach < length:
        step = min(reach, length - reach)
        hashes = _pairs(hashes, step, factor)
        reach += step
    return hashes


def doubled(hashes: U64, step: int, seed: int) -> U64:
    """Return hashes of windows `step` bytes longer from those of windows of at least `step` bytes: of each two that far apart."""
    return _pairs(hashes, step, _constants(seed)[1])


def _pairs(hashes: U64, step: int, factor: np.uint64) -> U64:
    if len(hashes) <= step:
        return np.empty(0, dtype=np.uint64)
    result = hashes[:-step] * factor
    result += hashes[step:]
    result ^= result >> _SHIFT
    return result


def window_minima(values: U64, width: int) -> U64:
    """Return the smallest of each `width` consecutive values: (values - width + 1,), empty if there is none."""
    return _windowed(values, width, np.minimum)


def window_maxima(values: U64, width: int) -> U64:
    """Return the largest of each `width` consecutive values: (values - width + 1,), empty if there is none."""
    return _windowed(values, width, np.maximum)


def _windowed(values: U64, width: int, better: np.ufunc) -> U64:
    if len(values) < width:
        return values[:0]
    reach = 1
    while reach < width:
        step = min(reach, width - reach)
        values = better(values[:-step], values[step:])
        reach += step
    return values


@lru_cache(maxsize=8)
def _constants(seed: int) -> tuple[U64, np.uint64]:
    """Return 256 scattered 64-bit values, one for each byte, and an odd factor: splitmix64 (Steele et al. 2014) from the seed."""
    state = (np.arange(1, 258, dtype=np.uint64) + np.uint64(1000 * seed)) * np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return state[:256], state[256] | np.uint64(1)
