"""Which documents are held out of training: a pure function of the document's id, so every stage agrees without a list.

Only the part of the id that names the origin file counts. A module's source and its docstrings are different documents of one
file, and what is held out in one shape must not be trained on in another.
"""

import hashlib

ORIGIN_DIGITS = 16


def is_held_out(document: str, fraction: float) -> bool:
    """Return whether a document is in the held-out split.

    Args:
        document: its id: 16 hexadecimal digits of the origin file, "-", 16 of the record.
        fraction: share of the origin files that is held out, 0 to 1. Growing it only adds files.
    """
    digest = hashlib.blake2b(document[:ORIGIN_DIGITS].encode(), digest_size=8, person=b"raylm-heldout").digest()
    return int.from_bytes(digest, "big") < fraction * 2**64
