"""A `tokenizer.json` through Hugging Face's `tokenizers`: WordPiece, and tokenizers that came from elsewhere.

What transformers and vLLM load is this very file, so the ids are theirs by construction.
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# A Ray task has one core; and the library's threads do not survive a fork.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import tokenizers

MARK = "\u2581"
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")


class HuggingFaceBackend:
    """The content of a `tokenizer.json`, loaded."""

    def __init__(self, data: bytes) -> None:
        """Take the file's bytes."""
        self.data = data
        content = json.loads(data)
        self._tokens = tokenizers.Tokenizer.from_buffer(data)
        self._tokens.encode_special_tokens = True
        names = self._tokens.get_vocab(with_added_tokens=True)
        self.vocabulary = max(names.values()) + 1
        self._names = [""] * self.vocabulary
        for name, token in names.items():
            self._names[token] = name
        special = sorted((token["id"], token["content"]) for token in content["added_tokens"] if token["special"])
        self.special = [name for _, name in special]
        self._controls = np.zeros(self.vocabulary, bool)
        self._controls[[token for token, _ in special]] = True
        self.unknown = _unknown(content["model"], names)
        self._decoders = list(_decoders(content.get("decoder")))

    def id_of(self, token: str) -> int | None:
        """Return the id of a piece or special token."""
        found: int | None = self._tokens.token_to_id(token)
        return found

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text."""
        return list(self._tokens.encode(text, add_special_tokens=False).ids)

    def encode_many(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """Return the ids of each text."""
        found = self._tokens.encode_batch_fast(list(texts), add_special_tokens=False)
        return [np.array(encoding.ids, np.int32) for encoding in found]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids."""
        return str(self._tokens.decode([int(i) for i in ids], skip_special_tokens=True))

    def piece(self, token: int) -> str:
        """Return one token as readable text."""
        name = self._names[int(token)]
        if "ByteLevel" in self._decoders and all(character in _BYTES for character in name):
            return bytes(_BYTES[character] for character in name).decode(errors="replace")
        return name.replace(MARK, " ") if {"Metaspace", "Replace"}.intersection(self._decoders) else name

    def byte_lengths(self) -> NDArray[np.int64]:
        """Return how many UTF-8 bytes of text each id stands for, to within a space that the decoder adds or strips."""
        lengths = np.array([self._length(i) for i in range(self.vocabulary)], np.int64)
        return np.where(self._controls, 0, lengths)

    def _length(self, token: int) -> int:
        name = self._names[token]
        if token == self.unknown:
            return 0
        if "ByteLevel" in self._decoders and all(character in _BYTES for character in name):
            return len(name)
        if "ByteFallback" in self._decoders and _BYTE.fullmatch(name):
            return 1
        if "WordPiece" in self._decoders:
            return len(name[2:].encode()) if name.startswith("##") else len(name.encode()) + 1
        if "BPEDecoder" in self._decoders:
            return len(name.replace("</w>", " ").encode())
        return len(self.piece(token).encode())


def _unknown(model: dict[str, Any], names: dict[str, int]) -> int | None:
    """The id for what has no piece, if there is such a thing; a model with bytes to fall back on needs none."""
    if model.get("byte_fallback"):
        return None
    if model["type"] == "Unigram":
        return model.get("unk_id")
    return names.get(model.get("unk_token") or "")


def _decoders(decoder: dict[str, Any] | None) -> Iterator[str]:
    if decoder:
        yield decoder["type"]
        for part in decoder.get("decoders", ()):
            yield from _decoders(part)


def _byte_alphabet() -> dict[str, int]:
    """The byte that each character of a byte-level piece stands for: printable ones as themselves, the rest from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + place): byte for place, byte in enumerate(rest)}


_BYTES = _byte_alphabet()
