"""MinHash signatures and their band keys (Broder 1997; banding as in Leskovec et al., Mining of Massive Datasets, chapter 3).

Signatures come from rensa, whose digests are its own stable function; the split into bands and rows for a threshold is
datasketch's, and so is the test's reference.
"""

from functools import lru_cache
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
from rensa import RMinHash

U64 = npt.NDArray[np.uint64]
_SEED = 1
"""Part of the artifact's identity through the version of this code: never change it silently."""


@lru_cache(maxsize=16)
def bands_and_rows(threshold: float, permutations: int, missing: float = 0.5) -> tuple[int, int]:
    """Return (bands, rows) that best split at a Jaccard `threshold`, by datasketch's integrals of both errors.

    Args:
        threshold: where to split.
        permutations: values of a signature.
        missing: weight of what is missed, 0 to 1; that of false candidates is the rest.

    So near 1 that one band of all values were best, datasketch refuses; two bands it is then.
    """
    from datasketch import MinHashLSH

    try:
        index = MinHashLSH(threshold=threshold, num_perm=permutations, weights=(1 - missing, missing))
    except ValueError:
        return 2, permutations // 2
    return int(index.b), int(index.r)


def mix(values: U64) -> U64:
    """Scramble 64-bit values (MurmurHash3's finaliser): a bijection, so distinct stay distinct."""
    values = values.copy()
    values ^= values >> np.uint64(33)
    values *= np.uint64(0xFF51AFD7ED558CCD)
    values ^= values >> np.uint64(33)
    values *= np.uint64(0xC4CEB9FE1A85EC53)
    values ^= values >> np.uint64(33)
    return values


def signatures(hashes: U64, offsets: npt.NDArray[np.int64], permutations: int) -> U64:
    """Return MinHash signatures (documents, permutations) of shingle hashes.

    Args:
        hashes: of all documents' shingles; repeated ones change nothing.
        offsets: (documents + 1,) where each one's begin. A document without any has a signature that means nothing.
        permutations: values in a signature.
    """
    if len(offsets) < 2:
        return np.empty((0, permutations), dtype=np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets.astype(np.uint64), permutations, _SEED)
    return np.array(matrix.to_rows(), dtype=np.uint64)


def band_keys(matrix: U64, bands: int, rows: int) -> U64:
    """Return a 64-bit key per document and band (documents, bands); the band is folded in, so that all bands share a shuffle."""
    keys = np.empty((len(matrix), bands), dtype=np.uint64)
    for band in range(bands):
        key = np.full(len(matrix), band + 1, dtype=np.uint64)
        for column in range(band * rows, (band + 1) * rows):
            key = mix(key * np.uint64(0x9E3779B97F4A7C15) + matrix[:, column])
        keys[:, band] = key
    return keys


def content_key(text: str) -> int:
    """Return a 128-bit hash of a text's words and symbols, whatever white space is between them."""
    return int.from_bytes(blake2b(" ".join(text.split()).encode(), digest_size=16, person=b"content").digest(), "big")


def probability(jaccard: float, bands: int, rows: int) -> float:
    """Return the closed form of the chance that a pair at this Jaccard similarity shares a band: 1 - (1 - J^rows)^bands."""
    return float(1 - (1 - jaccard**rows) ** bands)
