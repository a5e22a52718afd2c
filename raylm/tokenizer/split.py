"""Which documents are held out of training: a pure function of the document's id, so every stage agrees without a list.

Only the part of the id that names the origin (a file, or a row of a table of texts) counts. A module's source and its docstrings
are different documents of one file, and what is held out in one shape must not be trained on in another.
"""

import hashlib
import math

ORIGIN_DIGITS = 16


def is_held_out(document: str, fraction: float) -> bool:
    """Return whether a document is in the held-out split.

    Args:
        document: its id: 16 hexadecimal digits of the origin, "-", 16 of the record.
        fraction: share of the origins that is held out, 0 to 1. Growing it only adds origins.
    """
    return _place(document) < fraction * 2**64


def least_fraction(document: str) -> float:
    """Return the smallest fraction with which a document is held out (to within rounding upwards)."""
    return math.nextafter((_place(document) + 1) / 2**64, 1.0)


def _place(document: str) -> int:
    digest = hashlib.blake2b(document[:ORIGIN_DIGITS].encode(), digest_size=8, person=b"raylm-heldout").digest()
    return int.from_bytes(digest, "big")
