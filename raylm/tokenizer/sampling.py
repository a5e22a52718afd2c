"""The bounded sample that the vocabulary is learned from: passages whose hash is low enough.

A passage is in or out by its own hash alone, so the sample is the same however the corpus is cut into files and tasks, every
source has its share of the text, and no task needs to see more than its own part.
"""

import hashlib
from collections.abc import Iterator

from raylm.errors import UserError
from raylm.tokenizer.backends.sentence_piece import MARK

PASSAGE = 2000
"""Most characters of a passage: short enough that long documents cannot crowd out the rest of their source."""


def passages(text: str) -> Iterator[str]:
    """Cut a text into passages of at most `PASSAGE` characters, at the last line break of each one's second half if any."""
    start = 0
    while start < len(text):
        end = min(start + PASSAGE, len(text))
        if end < len(text):
            end = text.rfind("\n", start + PASSAGE // 2, end) + 1 or end
        yield text[start:end]
        start = end


def passage_key(document: str, number: int, seed: int) -> int:
    """Return the 64-bit hash that decides on a passage: of the document's id, its number in the document, and the seed."""
    digest = hashlib.blake2b(f"{seed}:{document}:{number}".encode(), digest_size=8, person=b"raylm-sample")
    return int.from_bytes(digest.digest(), "big")


def select(document: str, text: str, rate: float, seed: int) -> list[tuple[int, str]]:
    """Return the (key, passage) pairs of one document that are in a sample of a share `rate` of all passages.

    U+2581 is left out: SentencePiece takes it for a space, and a piece learned from it would never be used.
    """
    pairs = ((passage_key(document, number, seed), passage) for number, passage in enumerate(passages(text)))
    return [(key, passage.replace(MARK, "")) for key, passage in pairs if key < rate * 2**64]


def sample_rates(sizes: dict[str, int], weights: dict[str, float] | None, limit: int) -> dict[str, float]:
    """Return which share of each source's text goes into a sample of `limit` bytes.

    With weights, the sources' shares in the sample follow them; a source that has less than its share gives all it has, and
    the others fill up in proportion. Without, one rate holds for all.

    Args:
        sizes: bytes of training text by source.
        weights: by source, in any unit; sources that are not named give nothing. None: as the text is distributed.
        limit: bytes.

    Raises:
        UserError: a weight is for a source that the corpus does not have, or no weighted source has text.
    """
    if weights is None:
        rate = min(1.0, limit / max(sum(sizes.values()), 1))
        return dict.fromkeys(sizes, rate)
    for name in weights:
        if name not in sizes:
            raise UserError(f"tokenize.weights: got {name!r}, allowed: the sources with training text, {', '.join(sorted(sizes))}")
    rates = dict.fromkeys(sizes, 0.0)
    left, open_ = float(limit), {name: weight for name, weight in weights.items() if weight > 0 and sizes[name] > 0}
    if not open_:
        raise UserError("tokenize.weights: no source with a weight above 0 has training text")
    while open_:
        total = sum(open_.values())
        short = [name for name, weight in sorted(open_.items()) if left * weight / total >= sizes[name]]
        if not short:
            return rates | {name: left * weight / total / sizes[name] for name, weight in open_.items()}
        for name in short:
            rates[name] = 1.0
            left -= sizes[name]
            del open_[name]
    return rates
