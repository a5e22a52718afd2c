"""Documents of one corpus part to token shards: pure arrays, so that the same part gives the same bytes on any worker."""

import io
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from raylm.tokenizer.shards import Split
from raylm.tokenizer.split import is_held_out
from raylm.tokenizer.text import Tokenizer


@dataclass
class Shard:
    """The tokens of one source and split in one corpus part."""

    documents: list[NDArray] = field(default_factory=list)
    """Token ids of each document, `<s>` and `</s>` included."""
    bytes: int = 0
    """UTF-8 bytes of the documents' texts."""

    @property
    def tokens(self) -> int:
        """Number of tokens."""
        return sum(len(document) for document in self.documents)

    def counts(self) -> dict[str, int]:
        """Return `tokens`, `documents` and `bytes`."""
        return {"tokens": self.tokens, "documents": len(self.documents), "bytes": self.bytes}

    def arrays(self) -> tuple[NDArray, NDArray[np.int64]]:
        """Return all tokens, joined (tokens,), and the document borders (documents + 1,)."""
        lengths = [len(document) for document in self.documents]
        return np.concatenate(self.documents), np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)


def token_dtype(vocabulary: int) -> type[np.unsignedinteger]:
    """Return the smallest of uint16 and uint32 that holds every id."""
    return np.uint16 if vocabulary <= 1 << 16 else np.uint32


def encode_part(rows: Iterable[tuple[str, str, str]], tokenizer: Tokenizer,
                heldout_fraction: float) -> dict[tuple[str, Split], Shard]:
    """Tokenize one part's documents, in their order.

    Args:
        rows: (id, source, text) of each document.
        tokenizer: the trained tokenizer.
        heldout_fraction: share of origin files held out.
    """
    dtype = token_dtype(tokenizer.vocabulary)
    shards: dict[tuple[str, Split], Shard] = {}
    for identifier, source, text in rows:
        split: Split = "heldout" if is_held_out(identifier, heldout_fraction) else "train"
        shard = shards.setdefault((source, split), Shard())
        shard.documents.append(np.array([tokenizer.bos, *tokenizer.encode(text), tokenizer.eos], dtype=dtype))
        shard.bytes += len(text.encode())
    return shards


def npy(array: NDArray) -> bytes:
    """Return an array as the content of a `.npy` file."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()
