"""Texts as sparse vectors: which word n-grams and character n-grams a text has, each hashed to one of 2^bits places.

Character n-grams are hashed for all positions of all texts at once, and words through a table of those seen before, so no loop is
over characters. Hashes are our own arithmetic: the same on every machine and in every process.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from raylm.corpus.models.words import words

Keys = NDArray[np.uint64]
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_SHIFT = np.uint64(32)
_MOST_KNOWN = 1_000_000


@dataclass(frozen=True)
class Features:
    """Rows of a sparse 0/1 matrix: the places of text i are `places[offsets[i]:offsets[i+1]]`, ascending, each once."""

    places: NDArray[np.int64]
    offsets: NDArray[np.int64]


class _WordHashes(dict[str, int]):
    """A 64-bit hash of every word, made once."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _MOST_KNOWN:
            self.clear()
        digest = blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8, person=b"raylm-words")
        value = self[word] = int.from_bytes(digest.digest(), "little")
        return value


_hashes = _WordHashes()


def features(texts: Sequence[str], word_ngrams: int, characters: tuple[int, int], bits: int) -> Features:
    """Return the features of texts, in lower case and with each run of white space as one space.

    Args:
        texts: any.
        word_ngrams: the longest run of words that is a feature; 0 for none. A character of Chinese and the like is a word.
        characters: the shortest and the longest run of characters that is a feature; the longest may be 0, for none.
        bits: 2^bits places.
    """
    found = [_word_features(texts, word_ngrams), _character_features(texts, *characters)]
    owners = np.concatenate([owner for owner, _ in found])
    places = np.concatenate([keys for _, keys in found]) >> np.uint64(64 - bits)
    both = np.sort((owners.astype(np.uint64) << np.uint64(bits)) | places).astype(np.int64)
    both = both[np.diff(both, prepend=-1) > 0]  # np.unique would hash, which is five times slower
    offsets = np.searchsorted(both, np.arange(len(texts) + 1) << bits)
    return Features(both & ((1 << bits) - 1), offsets)


def _mixed(keys: Keys) -> Keys:
    with np.errstate(over="ignore"):
        keys = (keys ^ (keys >> _SHIFT)) * _MIX
        return (keys ^ (keys >> _SHIFT)) * _MIX


def _word_features(texts: Sequence[str], longest: int) -> tuple[NDArray[np.int64], Keys]:
    rows = [[_hashes[word] for word in words(text)] for text in texts]
    single = np.fromiter((value for row in rows for value in row), np.uint64, sum(map(len, rows)))
    return _ngrams(single, np.repeat(np.arange(len(texts)), [len(row) for row in rows]), 1, longest)


def _character_features(texts: Sequence[str], shortest: int, longest: int) -> tuple[NDArray[np.int64], Keys]:
    plain = [f" {' '.join(text.lower().split())} " for text in texts] if longest else []
    single = np.frombuffer("".join(plain).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    # Characters are small numbers and words are large ones: the two never meet.
    return _ngrams(single, np.repeat(np.arange(len(plain)), [len(text) for text in plain]), shortest, longest)


def _ngrams(single: Keys, owner: NDArray[np.int64], shortest: int, longest: int) -> tuple[NDArray[np.int64], Keys]:
    """Return the hashes of all n-grams inside a text, and the text of each."""
    owners, keys = [owner[:0]], [single[:0]]
    here = np.zeros(len(single), np.uint64)
    with np.errstate(over="ignore"):
        for n in range(1, min(longest, len(single)) + 1):
            size = len(single) - n + 1
            here = here[:size] * _MULTIPLIER + single[n - 1:] + np.uint64(n)
            inside = owner[:size] == owner[n - 1:]
            if n >= shortest:
                owners.append(owner[:size][inside])
                keys.append(_mixed(here[inside]))
    return np.concatenate(owners), np.concatenate(keys)
