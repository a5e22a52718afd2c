"""Text to token ids and back, for every stage: a thin class over the SentencePiece model, which loads in milliseconds.

SentencePiece writes a space as U+2581, so it would read that character back as a space. Here it is spelt in its three bytes
instead, and `decode(encode(text)) == text` holds for every text.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import sentencepiece
from numpy.typing import NDArray

from raylm.tokenizer import special

MARK = "\u2581"
MODEL_FILE = "tokenizer.model"


class Tokenizer:
    """A trained tokenizer. Ids are those of the Hugging Face `tokenizer.json` beside the model."""

    def __init__(self, model: bytes) -> None:
        """Take a serialized SentencePiece model, as `tokenizer.model` holds it."""
        self._model = model
        self._pieces = sentencepiece.SentencePieceProcessor(model_proto=model)
        self.vocabulary = int(self._pieces.get_piece_size())
        self.unknown, self.bos, self.eos, self.pad = map(self._pieces.piece_to_id, special.SPECIAL[:4])
        self.user, self.assistant, self.end = map(self._pieces.piece_to_id, special.SPECIAL[4:])
        self._mark = [self._pieces.piece_to_id(f"<0x{byte:02X}>") for byte in MARK.encode()]

    @staticmethod
    def open(folder: str | Path) -> "Tokenizer":
        """Load the tokenizer of a folder: the tokenize artifact's `tokenizer/` or any checkpoint of ours."""
        return Tokenizer((Path(folder) / MODEL_FILE).read_bytes())

    def __reduce__(self) -> tuple[type["Tokenizer"], tuple[bytes]]:
        return Tokenizer, (self._model,)

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, without bos and eos.

        A special token that is spelt out in the text stays text. (Hugging Face's tokenizer reads it as the special token unless
        called with `split_special_tokens=True`.)
        """
        if MARK not in text:
            return list(self._pieces.encode(text))
        first, *rest = text.split(MARK)
        ids = list(self._pieces.encode(first))
        for part in rest:
            ids += self._mark
            ids += self._pieces.encode(part)
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids: special tokens are left out, bytes that are not UTF-8 become U+FFFD."""
        controls = len(special.SPECIAL)
        return str(self._pieces.decode([int(i) for i in ids if i >= controls]))

    def piece(self, token: int) -> str:
        """Return one token as readable text (`<0x0A>` for a byte)."""
        return str(self._pieces.id_to_piece(int(token))).replace(MARK, " ")

    def byte_lengths(self) -> NDArray[np.int64]:
        """Return how many UTF-8 bytes of text each id stands for (vocabulary,); 0 for special tokens. For bits per byte."""
        lengths = [len(self.piece(i).encode()) for i in range(self.vocabulary)]
        controls = len(special.SPECIAL)
        return np.array([0 if i < controls else 1 if self._pieces.is_byte(i) else size for i, size in enumerate(lengths)], np.int64)

    def chat(self, messages: Iterable[Mapping[str, str]], generation_prompt: bool) -> list[int]:
        """Return the ids of a chat, equal to transformers' `apply_chat_template` on the same folder.

        Args:
            messages: `role` (system, user, assistant) and `content` of each turn.
            generation_prompt: whether to end with the token that asks the assistant to speak.

        Raises:
            UserError: a message has another role.
        """
        ids: list[int] = []
        for part in special.render(messages, generation_prompt):
            ids += [special.SPECIAL.index(part)] if part in special.SPECIAL else self.encode(part)
        return ids
