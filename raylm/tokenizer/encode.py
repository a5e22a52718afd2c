"""Documents of one corpus part to token shards: pure arrays, so that the same part gives the same bytes on any worker."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from raylm.tokenizer.fertility import Fertility, Key
from raylm.tokenizer.shards import Split
from raylm.tokenizer.split import is_held_out
from raylm.tokenizer.text import Tokenizer


class Row(NamedTuple):
    """What a document is encoded from."""

    id: str
    source: str
    text: str
    language: str = ""
    """Empty where it is not known."""


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


@dataclass
class Encoded:
    """One corpus part."""

    shards: dict[tuple[str, Split], Shard] = field(default_factory=dict)
    fertility: dict[Key, Fertility] = field(default_factory=dict)


def token_dtype(vocabulary: int) -> type[np.unsignedinteger]:
    """Return the smallest of uint16 and uint32 that holds every id."""
    return np.uint16 if vocabulary <= 1 << 16 else np.uint32


def encode_part(batches: Iterable[Sequence[Row]], tokenizer: Tokenizer, heldout_fraction: float) -> Encoded:
    """Tokenize one part's documents, in their order.

    Args:
        batches: the documents, some at a time.
        tokenizer: the trained tokenizer.
        heldout_fraction: share of origin files held out.
    """
    dtype, part = token_dtype(tokenizer.vocabulary), Encoded()
    for rows in batches:
        for row, ids in zip(rows, tokenizer.encode_many([row.text for row in rows]), strict=True):
            split: Split = "heldout" if is_held_out(row.id, heldout_fraction) else "train"
            document = np.empty(len(ids) + 2, dtype)
            document[0], document[1:-1], document[-1] = tokenizer.bos, ids, tokenizer.eos
            shard = part.shards.setdefault((row.source, split), Shard())
            shard.documents.append(document)
            size = len(row.text.encode())
            shard.bytes += size
            fertility = part.fertility.setdefault((row.source, row.language), Fertility())
            fertility.add(row.text, size, len(ids), tokenizer.unknowns(ids))
    return part


def npy(array: NDArray) -> bytes:
    """Return an array as the content of a `.npy` file."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()
