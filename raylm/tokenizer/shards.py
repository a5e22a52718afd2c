"""Reading token shards: memory-mapped files per source and split, and the index that says what is in them.

Files are plain `.npy`, named by the corpus part they were made from; a source's tokens are the concatenation over the parts, so
a reader takes lists of arrays and no tokens are ever copied to join them.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from raylm.errors import UserError
from raylm.storage import Folder

Split = Literal["train", "heldout"]
SPLITS: tuple[Split, Split] = ("train", "heldout")
INDEX = "index.json"


@dataclass(frozen=True)
class TokenShards:
    """The tokenize artifact, opened. Pickles as a path; arrays are mapped where they are asked for."""

    root: Path
    index: dict[str, Any]
    """`vocabulary`, `dtype`, `heldout_fraction`, special tokens' ids; per source and split `tokens`, `documents`, `bytes`."""

    @staticmethod
    def open(folder: Folder | Path | str) -> "TokenShards":
        """Open a published tokenize artifact.

        Raises:
            UserError: the folder holds no token shards.
        """
        root = folder.local() if isinstance(folder, Folder) else Path(folder)
        try:
            return TokenShards(root, json.loads((root / INDEX).read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise UserError(f"{root}: no token shards here ({INDEX} is missing)") from None

    @property
    def sources(self) -> list[str]:
        """Names of all sources, sorted."""
        return sorted(self.index["sources"])

    def size(self, source: str, split: Split) -> dict[str, int]:
        """Return `tokens`, `documents` and `bytes` (of UTF-8 text) of a source's split."""
        return dict(self.index["sources"][source][split])

    def tokens(self, source: str, split: Split) -> list[NDArray[np.unsignedinteger]]:
        """Return the token arrays of a source's split, in the parts' order: each (tokens,), uint16 or uint32, mapped."""
        return self._arrays(source, split, "tokens")

    def offsets(self, source: str, split: Split) -> list[NDArray[np.int64]]:
        """Return the borders beside `tokens`: each (documents + 1,); document i is tokens[offsets[i]:offsets[i + 1]]."""
        return self._arrays(source, split, "offsets")

    def _arrays(self, source: str, split: Split, kind: str) -> list[NDArray]:
        folder = self.root / "shards" / source / split
        return [np.load(file, mmap_mode="r", allow_pickle=False) for file in sorted(folder.glob(f"{kind}-*.npy"))]
