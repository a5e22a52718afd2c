"""Packed training windows on disk, made from the pairs by Ray Data, and read memory-mapped by the training workers.

Layout: `<set>/windows-00000.npy` as `packing.lay_out` returns them, one file for each training partition of the pairs and one
for all held-out pairs, and `index.json`, written last. The sets are `train`, and `heldout-<direction>`, which keeps the
directions' losses apart.
"""

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import ray.data
import torch
from numpy.typing import NDArray
from torch import Tensor

from raylm.errors import UserError
from raylm.posttrain.pairs.chat import IGNORED, Turns, encode
from raylm.posttrain.pairs.kinds import KINDS
from raylm.posttrain.pairs.table import read_index, read_part
from raylm.posttrain.sft.packing import DOCUMENTS, IDS, LABELS, lay_out, pack
from raylm.progress import Meter
from raylm.storage import Folder
from raylm.tokenizer.text import Tokenizer

INDEX = "index.json"


def write_windows(pairs: Folder, tokenizer: Folder, output: Folder, length: int, meter: Meter) -> dict[str, Any]:
    """Fill `output` with the windows of all pairs, and return its index. A complete earlier one is kept.

    The index is {set: {files, windows, conversations, too_long, tokens, targets}}.

    Raises:
        UserError: no conversation fits into a window.
    """
    if output.exists(INDEX):
        return dict(output.read_json(INDEX))
    output.clear()
    splits = read_index(pairs)["splits"]
    # Each training partition is packed alone. The held-out pairs are few: packed by partition, most windows would be empty.
    parts = [{"split": "train", "names": [name]} for name in splits["train"]["files"]]
    parts.append({"split": "heldout", "names": list(splits["heldout"]["files"])})
    meter.begin("sft: tokenise and pack", "partitions", len(parts))
    counted = ray.data.from_items(parts, override_num_blocks=len(parts)).map_batches(
        _Encode(pairs, tokenizer, output, length, meter), batch_format="pyarrow", batch_size=None)
    rows = sorted(counted.take_all(), key=lambda row: (row["set"], row["file"]))  # a few numbers for each file
    index: dict[str, Any] = {}
    for row in rows:
        entry = index.setdefault(row["set"], {"files": [], **dict.fromkeys(_COUNTED, 0)})
        entry["files"] += [row["file"]] if row["windows"] else []
        for name in _COUNTED:
            entry[name] += row[name]
    for name, entry in index.items():
        if not entry["windows"]:
            raise UserError(f"sft.length: no {name} conversation fits into a window of {length} tokens; raise it")
    output.write_json(INDEX, index)
    return index


_COUNTED = ("windows", "conversations", "too_long", "tokens", "targets")
_SCHEMA = pa.schema([("set", pa.string()), ("file", pa.string()), *((name, pa.int64()) for name in _COUNTED)])


@dataclass(frozen=True)
class _Encode:
    """The map over partitions of pairs."""

    pairs: Folder
    tokenizer: Folder
    output: Folder
    length: int
    meter: Meter

    def __call__(self, parts: pa.Table) -> pa.Table:
        rows = [row for part in parts.to_pylist() for row in self._part(part["split"], part["names"])]
        self.meter.advance(parts.num_rows)
        return pa.Table.from_pylist(rows, schema=_SCHEMA)

    def _part(self, split: str, names: list[str]) -> list[dict[str, Any]]:
        tokenizer = open_tokenizer(self.tokenizer.local())
        kind = KINDS[read_index(self.pairs)["kind"]]
        tables = (read_part(self.pairs, split, name) for name in names)
        instructions = [i for table in tables for pair in kind.pairs(table.to_pydict()) for i in pair.instructions()]
        sets = {"train": instructions}
        if split == "heldout":
            sets = {f"heldout-{name}": [i for i in instructions if i.direction == name] for name in kind.directions}
        file = names[0].replace("part-", "windows-").replace(".parquet", ".npy")
        return [self._set(label, file, [encode(tokenizer, i) for i in chosen], tokenizer.pad)
                for label, chosen in sets.items()]

    def _set(self, label: str, file: str, turns: list[Turns], pad: int) -> dict[str, Any]:
        packed = lay_out(turns, pack([len(t.tokens) for t in turns], self.length), self.length, pad)
        fitting = [len(t.tokens) for t in turns if len(t.tokens) <= self.length]
        if packed.shape[1]:
            stream = io.BytesIO()
            np.save(stream, packed, allow_pickle=False)
            self.output.child(label).write_bytes(file, stream.getvalue())
        return {"set": label, "file": file, "windows": packed.shape[1], "conversations": len(fitting),
                "too_long": len(turns) - len(fitting), "tokens": sum(fitting),
                "targets": int((packed[LABELS] != IGNORED).sum())}


@cache
def open_tokenizer(path: Path) -> Tokenizer:
    """Open a tokenizer once in each process."""
    return Tokenizer.open(path)


class Windows:
    """One set's windows, memory-mapped: any window in any order, without reading the rest."""

    def __init__(self, folder: Path, name: str) -> None:
        """Open the set `name` of a local folder that `write_windows` filled."""
        files = Folder.at(folder).read_json(INDEX)[name]["files"]
        self.arrays: list[NDArray[np.int32]] = [
            np.load(folder / name / file, mmap_mode="r", allow_pickle=False) for file in files]
        self.starts = np.cumsum([0, *(array.shape[1] for array in self.arrays)])

    def __len__(self) -> int:
        """Return the number of windows."""
        return int(self.starts[-1])

    def batch(self, indices: NDArray[np.int64]) -> dict[str, Tensor]:
        """Return windows as `ids`, `labels` and `documents`, each int64 (len(indices), length)."""
        files = np.searchsorted(self.starts, indices, side="right") - 1
        planes = [self.arrays[file][:, index - self.starts[file]] for file, index in zip(files, indices, strict=True)]
        stacked = torch.from_numpy(np.stack(planes, axis=1).astype(np.int64))  # (3, batch, length)
        return {"ids": stacked[IDS], "labels": stacked[LABELS], "documents": stacked[DOCUMENTS]}
