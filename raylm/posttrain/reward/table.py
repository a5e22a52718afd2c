"""Preferences on disk, made from the sft stage's pairs by Ray Data, and read memory-mapped by the training workers.

Pairs are brought together by file, so that each partition can draw wrong answers from a pair's own file. Layout, a split each:
`part-00000.parquet` (the texts, for people) and beside it `tokens-`, `offsets-` and `directions-00000.npy`: sequence 2i is the
chosen answer of preference i with its prompt, sequence 2i + 1 the rejected one. `index.json` is written last.
"""

import io
from collections import Counter
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import ray.data
import torch
from numpy.typing import NDArray
from torch import Tensor

from raylm.errors import UserError
from raylm.posttrain.pairs.chat import encode
from raylm.posttrain.pairs.collect import SPLITS, key_of, within
from raylm.posttrain.pairs.instruction import Instruction
from raylm.posttrain.pairs.kinds import KINDS
from raylm.posttrain.pairs.table import read_index, read_part
from raylm.posttrain.reward.draw import Preference, draw, longer_wins, overlap_wins
from raylm.progress import Meter
from raylm.storage import Folder
from raylm.tokenizer.split import ORIGIN_DIGITS
from raylm.tokenizer.text import Tokenizer

INDEX = "index.json"
PAIRS_PER_PART = 8192
_TEXTS = pa.schema([("id", pa.string()), ("key", pa.uint64()), ("direction", pa.string()), ("prompt", pa.string()),
                    ("chosen", pa.string()), ("rejected", pa.string()), ("same_file", pa.bool_())])
_COUNTED = ("preferences", "too_long", "same_file", "longer_wins", "overlap_wins")
_SCHEMA = pa.schema([("split", pa.string()), ("part", pa.int32()), ("direction", pa.string()),
                     *((name, pa.float64()) for name in _COUNTED)])


@dataclass(frozen=True)
class Recipe:
    """What decides which preferences are made."""

    limit: int
    near: float
    length: int
    seed: int


def write_preferences(pairs: Folder, tokenizer: Folder, output: Folder, recipe: Recipe, meter: Meter) -> dict[str, Any]:
    """Fill `output` with preferences, and return its index. A complete earlier one is kept.

    The index is {parts: {split: [numbers]}, directions, counts: {split: {direction: {preferences, too_long, same_file,
    longer_wins, overlap_wins}}}}; the last two sum the two baselines' successes.

    Raises:
        UserError: a split has no preference that fits.
    """
    if output.exists(INDEX):
        return dict(output.read_json(INDEX))
    output.clear()
    source = read_index(pairs)
    blocks = _blocks(source, recipe.limit)
    parts = 1 + sum(block["rows"] for block in blocks) // PAIRS_PER_PART
    meter.begin("reward: draw wrong answers", "partitions", parts)
    read = ray.data.from_items(blocks, override_num_blocks=len(blocks)).map_batches(
        partial(_read, pairs, parts), batch_format="pyarrow", batch_size=None)
    written = read.repartition(parts, keys=["part"]).map_batches(
        _Write(source["kind"], tokenizer, output, recipe, meter), batch_format="pyarrow", batch_size=None)
    rows = sorted(written.take_all(), key=lambda row: (row["split"], row["part"], row["direction"]))  # a few numbers each
    index = _index(rows, KINDS[source["kind"]].directions)
    for split in SPLITS:
        if not index["parts"].get(split):
            raise UserError(f"reward: no {split} preference of at most {recipe.length} tokens; raise reward.length or add text")
    output.write_json(INDEX, index)
    return index


def _blocks(source: dict[str, Any], limit: int) -> list[dict[str, Any]]:
    blocks = []
    for split in SPLITS:
        files = source["splits"][split]["files"]
        kept = within(dict(enumerate(files.values())), limit)
        blocks += [{"split": split, "name": list(files)[place], "rows": rows} for place, rows in kept.items()]
    return blocks


def _read(pairs: Folder, parts: int, blocks: pa.Table) -> pa.Table:
    tables = []
    for block in blocks.to_pylist():
        table = read_part(pairs, block["split"], block["name"]).slice(0, block["rows"])
        of_file = [key_of(identifier[:ORIGIN_DIGITS]) * parts >> 64 for identifier in table["id"].to_pylist()]
        table = table.append_column("part", pa.array(of_file, pa.int32()))
        tables.append(table.append_column("split", pa.array([block["split"]] * table.num_rows, pa.string())))
    return pa.concat_tables(tables)


def _index(rows: list[dict[str, Any]], directions: tuple[str, ...]) -> dict[str, Any]:
    parts: dict[str, list[int]] = {}
    counts: dict[str, dict[str, dict[str, float]]] = {}
    for row in rows:
        numbers = parts.setdefault(row["split"], [])
        if row["preferences"] and row["part"] not in numbers:
            numbers.append(row["part"])
        entry = counts.setdefault(row["split"], {}).setdefault(row["direction"], dict.fromkeys(_COUNTED, 0.0))
        for name in _COUNTED:
            entry[name] += row[name]
    return {"parts": parts, "directions": list(directions), "counts": counts}


@dataclass(frozen=True)
class _Write:
    """The map over blocks that hold whole partitions."""

    kind: str
    tokenizer: Folder
    output: Folder
    recipe: Recipe
    meter: Meter

    def __call__(self, block: pa.Table) -> pa.Table:
        rows = []
        for part in sorted(set(block["part"].to_pylist())):
            mine = block.filter(pc.equal(block["part"], part))
            for split in SPLITS:
                rows += self._part(mine.filter(pc.equal(mine["split"], split)), split, part)
            self.meter.advance()
        return pa.Table.from_pylist(rows, schema=_SCHEMA)

    def _part(self, table: pa.Table, split: str, part: int) -> list[dict[str, Any]]:
        kind, tokenizer = KINDS[self.kind], Tokenizer.open(self.tokenizer.local())
        columns = table.sort_by([("key", "ascending")]).to_pydict()
        preferences = draw(columns["id"], kind.pairs(columns), self.recipe.near, self.recipe.seed)
        encoded = [both_answers(tokenizer, preference) for preference in preferences]
        fitting = [index for index, two in enumerate(encoded) if max(map(len, two)) <= self.recipe.length]
        kept = [preferences[index] for index in fitting]
        if kept:
            self._save(split, part, kept, [encoded[index] for index in fitting], kind.directions)
        dropped = Counter(p.direction for p in preferences) - Counter(p.direction for p in kept)
        return [{"split": split, "part": part, "direction": direction, "too_long": dropped[direction],
                 **tally([p for p in kept if p.direction == direction])} for direction in kind.directions]

    def _save(self, split: str, part: int, kept: list[Preference], encoded: list[tuple[list[int], list[int]]],
              directions: tuple[str, ...]) -> None:
        folder = self.output.child(split)
        stream = io.BytesIO()
        pq.write_table(pa.Table.from_pylist([asdict(p) for p in kept], schema=_TEXTS), stream, compression="zstd")
        folder.write_bytes(f"part-{part:05d}.parquet", stream.getvalue())
        sequences = [sequence for two in encoded for sequence in two]
        arrays = {"tokens": np.concatenate([np.array(sequence, np.int32) for sequence in sequences]),
                  "offsets": np.cumsum([0, *map(len, sequences)], dtype=np.int64),
                  "directions": np.array([directions.index(p.direction) for p in kept], np.uint8)}
        for name, array in arrays.items():
            stream = io.BytesIO()
            np.save(stream, array, allow_pickle=False)
            folder.write_bytes(f"{name}-{part:05d}.npy", stream.getvalue())


def both_answers(tokenizer: Tokenizer, preference: Preference) -> tuple[list[int], list[int]]:
    """Return the tokens of the prompt with the chosen and with the rejected answer, each up to the end of the turn."""
    chosen, rejected = (encode(tokenizer, Instruction(preference.direction, preference.prompt, answer)).tokens
                        for answer in (preference.chosen, preference.rejected))
    return chosen, rejected


def tally(preferences: list[Preference]) -> dict[str, float]:
    """Return the number of preferences, those from the same file, and the successes of the baselines without a model."""
    return {"preferences": float(len(preferences)), "same_file": float(sum(p.same_file for p in preferences)),
            "longer_wins": sum(map(longer_wins, preferences)), "overlap_wins": sum(map(overlap_wins, preferences))}


class Preferences:
    """One split's preferences as token sequences, memory-mapped."""

    def __init__(self, folder: Path, split: str, pad: int) -> None:
        """Open a split of a local folder that `write_preferences` filled; `pad` fills rows up (it is never looked at)."""
        numbers = Folder.at(folder).read_json(INDEX)["parts"][split]
        self.pad = pad
        self.tokens, self.offsets, self.directions = (
            [np.load(folder / split / f"{name}-{number:05d}.npy", mmap_mode="r", allow_pickle=False) for number in numbers]
            for name in ("tokens", "offsets", "directions"))
        self.starts = np.cumsum([0, *(len(array) for array in self.directions)])

    def __len__(self) -> int:
        """Return the number of preferences."""
        return int(self.starts[-1])

    def batch(self, indices: NDArray[np.int64]) -> dict[str, Tensor]:
        """Return preferences as `ids` (len, 2, longest), `lengths` (len, 2) and `direction` (len,), int64; chosen first.

        Rows are padded on the right to the batch's longest sequence, rounded up to 32 so that few shapes occur.
        """
        rows: list[NDArray[np.int32]] = []
        directions = []
        for index in indices:
            file = int(np.searchsorted(self.starts, index, side="right")) - 1
            place = int(index - self.starts[file])
            begin, middle, end = self.offsets[file][2 * place:2 * place + 3]
            rows += [self.tokens[file][begin:middle], self.tokens[file][middle:end]]
            directions.append(int(self.directions[file][place]))
        lengths = np.array([len(row) for row in rows])
        ids = np.full((len(rows), -(-int(lengths.max()) // 32) * 32), self.pad, np.int64)
        for row, sequence in enumerate(rows):
            ids[row, :len(sequence)] = sequence
        return {"ids": torch.from_numpy(ids).view(len(indices), 2, -1), "lengths": torch.from_numpy(lengths).view(-1, 2),
                "direction": torch.tensor(directions)}
