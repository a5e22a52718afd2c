"""Sentences, lines and paragraphs of texts as spans that may occur elsewhere: the same for all that reads the same.

What is compared is the letters and digits of a span, whatever their case, the punctuation and the white space between them.
"""

import re
from collections.abc import Callable, Iterator
from hashlib import blake2b
from itertools import pairwise

import numpy as np

from raylm.corpus.dedup.cutting import sentence_starts
from raylm.corpus.dedup.texts import Spans, Texts

_APART = re.compile(r"[\W_]+")
_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
_LINE = re.compile(r"\n\s*")
DOCUMENTS = 2_000
"""Documents whose spans are handed on together."""

Split = Callable[[str], list[int]]
"""Returns where the pieces of a text begin, in characters, and the text's end. The pieces follow each other without gaps."""


def lines(text: str) -> list[int]:
    """Split a text into lines that hold something."""
    return _split(text, _LINE)


def paragraphs(text: str) -> list[int]:
    """Split a text at empty lines."""
    return _split(text, _PARAGRAPH)


def _split(text: str, between: re.Pattern[str]) -> list[int]:
    starts = [0] if text else []
    starts += [match.end() for match in between.finditer(text) if match.end() < len(text)]
    return [*starts, len(text)]


SPLITS: dict[str, Split] = {"sentences": sentence_starts, "lines": lines, "paragraphs": paragraphs}


def normalised(piece: str) -> str:
    """Return what counts of a piece: its letters and digits in lower case, words apart by one space."""
    return _APART.sub(" ", piece).strip().casefold()


def document_spans(text: str, split: Split, window: int, shortest: int) -> list[tuple[int, int, bytes]]:
    """Return (begin, end, 128-bit key) of each span of a document, in characters.

    Args:
        text: the document.
        split: into pieces.
        window: pieces in a row that make a span; pieces without letters and digits are passed over, and go with those before them.
        shortest: letters and digits, with single spaces, that a span must have to count.
    """
    starts = split(text)
    pieces = [(begin, end, normalised(text[begin:end])) for begin, end in pairwise(starts)]
    solid = [index for index, piece in enumerate(pieces) if piece[2]]
    until = [pieces[index][0] for index in solid[1:]] + [len(text)] if solid else []
    found = []
    for first in range(len(solid) - window + 1):
        words = " ".join(pieces[index][2] for index in solid[first : first + window])
        if len(words) >= shortest:
            key = blake2b(words.encode(errors="surrogatepass"), digest_size=16, person=b"span").digest()
            found.append((pieces[solid[first]][0], until[first + window - 1], key))
    return found


def text_spans(texts: Texts, split: Split, window: int, shortest: int) -> Iterator[Spans]:
    """Yield the spans of a partition, `DOCUMENTS` documents at a time; arguments as for `document_spans`."""
    for low in range(0, len(texts.offsets) - 1, DOCUMENTS):
        starts: list[int] = []
        ends: list[int] = []
        keys: list[bytes] = []
        for document in range(low, min(low + DOCUMENTS, len(texts.offsets) - 1)):
            raw = texts.bytes_of(document)
            found = document_spans(raw.decode(), split, window, shortest)
            places = _bytes_at(raw, [begin for begin, _, _ in found] + [end for _, end, _ in found]) + texts.offsets[document]
            starts += places[: len(found)].tolist()
            ends += places[len(found) :].tolist()
            keys += [key for _, _, key in found]
        if keys:
            halves = np.frombuffer(b"".join(keys), dtype="<u8").reshape(-1, 2)
            yield Spans(np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64), halves[:, 0].copy(), halves[:, 1].copy())


def _bytes_at(raw: bytes, characters: list[int]) -> np.ndarray:
    """Return the byte at which each character of a UTF-8 text begins; the text's length for the place after its last."""
    if raw.isascii():
        return np.array(characters, dtype=np.int64)
    begins = np.flatnonzero((np.frombuffer(raw, dtype=np.uint8) & 0xC0) != 0x80)
    return np.append(begins, len(raw))[np.array(characters, dtype=np.int64)]
