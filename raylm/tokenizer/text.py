"""Text to token ids and back, for every stage, whichever library and kind of model the folder holds."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from raylm.errors import UserError
from raylm.tokenizer import special
from raylm.tokenizer.backends import backend_of
from raylm.tokenizer.backends.sentence_piece import MARK

__all__ = ["JSON_FILE", "MARK", "MODEL_FILE", "Tokenizer", "model_file"]

MODEL_FILE = "tokenizer.model"
"""A SentencePiece model; where it is, it is what we load."""
JSON_FILE = "tokenizer.json"
"""Hugging Face's file, always there."""


def model_file(folder: Path) -> Path | None:
    """Return the file of a folder that `Tokenizer` is loaded from; None where there is none."""
    return next((folder / name for name in (MODEL_FILE, JSON_FILE) if (folder / name).is_file()), None)


class Tokenizer:
    """A trained tokenizer. Ids are those of the Hugging Face `tokenizer.json` in the folder."""

    def __init__(self, model: bytes) -> None:
        """Take a serialized SentencePiece model, as `tokenizer.model` holds it, or the content of a `tokenizer.json`.

        Raises:
            UserError: it lacks a special token of ours.
        """
        self._backend = backend_of(model)
        self.vocabulary = self._backend.vocabulary
        self._ids = {token: found for token in self._backend.special if (found := self._backend.id_of(token)) is not None}
        missing = [token for token in special.SPECIAL if token not in self._ids]
        if missing:
            raise UserError(f"tokenizer: it lacks the special tokens {' '.join(missing)}; `tokenize.existing` adds them")
        self.unknown, self.bos, self.eos, self.pad = map(self._ids.__getitem__, special.SPECIAL[:4])
        self.user, self.assistant, self.end = map(self._ids.__getitem__, special.SPECIAL[4:])

    @staticmethod
    def open(folder: str | Path) -> "Tokenizer":
        """Load the tokenizer of a folder: the tokenize artifact's `tokenizer/` or any checkpoint of ours.

        Raises:
            UserError: the folder holds none.
        """
        file = model_file(Path(folder))
        if file is None:
            raise UserError(f"{folder}: no tokenizer here ({MODEL_FILE} and {JSON_FILE} are missing)")
        return Tokenizer(file.read_bytes())

    def __reduce__(self) -> tuple[type["Tokenizer"], tuple[bytes]]:
        return Tokenizer, (self._backend.data,)

    @property
    def special(self) -> list[str]:
        """All special tokens, by id: the chain's and the recipe's, and those that an existing tokenizer brought."""
        return list(self._backend.special)

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, without bos and eos.

        A special token that is spelt out in the text stays text. (Hugging Face's tokenizer reads it as the special token unless
        called with `split_special_tokens=True`.)
        """
        return self._backend.encode(text)

    def encode_many(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """Return the ids of each text (tokens,), equal to `encode`'s, in one go."""
        return self._backend.encode_many(texts)

    def unknowns(self, ids: NDArray[np.int32]) -> int:
        """Return how many of these ids say that text was lost for which there is no piece."""
        return 0 if self._backend.unknown is None else int(np.count_nonzero(ids == self._backend.unknown))

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids: special tokens are left out, bytes that are not UTF-8 become U+FFFD."""
        return self._backend.decode(ids)

    def piece(self, token: int) -> str:
        """Return one token as readable text (`<0x0A>` for a byte)."""
        return self._backend.piece(token)

    def byte_lengths(self) -> NDArray[np.int64]:
        """Return how many UTF-8 bytes of text each id stands for (vocabulary,); 0 for special tokens. For bits per byte."""
        return self._backend.byte_lengths()

    def chat(self, messages: Iterable[Mapping[str, str]], generation_prompt: bool) -> list[int]:
        """Return the ids of a chat, equal to transformers' `apply_chat_template` on the same folder.

        Args:
            messages: `role` (system, user, assistant) and `content` of each turn.
            generation_prompt: whether to end with the token that asks the assistant to speak.

        Raises:
            UserError: a message has another role.
        """
        ids: list[int] = []
        for part in special.render(messages, generation_prompt, self._backend.special):
            ids += [self._ids[part]] if part in self._ids else self.encode(part)
        return ids
