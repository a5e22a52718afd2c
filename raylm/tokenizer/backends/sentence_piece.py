"""A SentencePiece model that takes text as it is: no normalisation, no added space. It loads in milliseconds.

SentencePiece writes a space as U+2581, so it would read that character back as a space. Here it is spelt in its three bytes
instead, and `decode(encode(text)) == text` holds for every text where the model has bytes to fall back on.
"""

from collections.abc import Sequence

import numpy as np
import sentencepiece
from numpy.typing import NDArray

from raylm.tokenizer.backends.segments import Segments

MARK = "\u2581"


class SentencePieceBackend:
    """A serialized SentencePiece model, loaded."""

    def __init__(self, data: bytes) -> None:
        """Take the model as `tokenizer.model` holds it."""
        self.data = data
        self._pieces = sentencepiece.SentencePieceProcessor(model_proto=data)
        self.vocabulary = int(self._pieces.get_piece_size())
        ids = range(self.vocabulary)
        self._controls = np.array([self._pieces.is_control(i) or self._pieces.is_unknown(i) for i in ids])
        self.special = [self._pieces.id_to_piece(int(i)) for i in np.flatnonzero(self._controls)]
        spelt = [self.id_of(f"<0x{byte:02X}>") for byte in MARK.encode()]
        self.unknown = int(self._pieces.unk_id()) if None in spelt else None
        self._mark = np.array([self._pieces.unk_id()] if None in spelt else spelt, np.int32)
        self._segments: Segments | None = None
        if kind_of(self._pieces) != "unigram":
            plain = [self.piece(i) for i in ids if not (self._controls[i] or self._pieces.is_byte(i))]
            self._segments = Segments.fitting(plain, lambda stretches: self._pieces.encode(stretches, num_threads=1))

    def id_of(self, token: str) -> int | None:
        """Return the id of a piece or special token."""
        found = int(self._pieces.piece_to_id(token))
        return found if self._pieces.id_to_piece(found) == token else None

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text."""
        return list(self.encode_many([text])[0].tolist())

    def encode_many(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """Return the ids of each text."""
        parts = [text.split(MARK) for text in texts]
        ids = iter(self._encode([part for of_text in parts for part in of_text]))
        return [self._joined([next(ids) for _ in of_text]) for of_text in parts]

    def _encode(self, texts: list[str]) -> list[NDArray[np.int32]]:
        if self._segments is not None:
            return self._segments.encode(texts)
        return [np.array(ids, np.int32) for ids in self._pieces.encode(texts, num_threads=1)]

    def _joined(self, parts: list[NDArray[np.int32]]) -> NDArray[np.int32]:
        """The ids of a text from those of its parts between U+2581."""
        ids = parts[0]
        if len(parts) > 1:
            ids = np.concatenate([ids, *(part for following in parts[1:] for part in (self._mark, following))])
        if self.unknown is not None:  # one for a run of them, as SentencePiece and Hugging Face have it
            unknown = ids == self.unknown
            ids = ids[~(unknown & np.append(False, unknown[:-1])[:len(ids)])]
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; bytes that are not UTF-8 become U+FFFD."""
        return str(self._pieces.decode([int(i) for i in ids if not self._controls[i]]))

    def piece(self, token: int) -> str:
        """Return one token as readable text."""
        return str(self._pieces.id_to_piece(int(token))).replace(MARK, " ")

    def byte_lengths(self) -> NDArray[np.int64]:
        """Return how many UTF-8 bytes of text each id stands for."""
        lengths = [1 if self._pieces.is_byte(i) else len(self.piece(i).encode()) for i in range(self.vocabulary)]
        return np.where(self._controls, 0, np.array(lengths, np.int64))


def is_plain(pieces: sentencepiece.SentencePieceProcessor, token: int) -> bool:
    """Whether a token is a stretch of text, and no byte, control or unknown."""
    return not (pieces.is_control(token) or pieces.is_unknown(token) or pieces.is_byte(token))


def kind_of(pieces: sentencepiece.SentencePieceProcessor) -> str:
    """Return `bpe`, `unigram` or `character` (bytes alone among these): BPE's scores are the whole ranks 0, -1, -2, ..."""
    plain = [i for i in range(pieces.get_piece_size()) if is_plain(pieces, i)]
    if all(len(pieces.id_to_piece(i)) == 1 for i in plain):
        return "character"
    return "bpe" if [pieces.get_score(i) for i in plain] == [-float(rank) for rank in range(len(plain))] else "unigram"
