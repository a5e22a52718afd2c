"""What a Ray task does with a corpus part, given by name: count it, sample it, encode it.

Each function takes names and a `Job` and returns a small Arrow table, the form of a Ray Data map over batches.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import ray

from raylm.progress import Meter
from raylm.storage import Folder
from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.encode import Row, encode_part, npy
from raylm.tokenizer.extension import extended
from raylm.tokenizer.fertility import rows_of
from raylm.tokenizer.learn import learn
from raylm.tokenizer.sampling import select
from raylm.tokenizer.shards import SPLITS
from raylm.tokenizer.split import is_held_out, least_fraction
from raylm.tokenizer.text import Tokenizer

ROWS = 256
"""Documents read from a part at a time: bounds memory, and how often progress is told."""


@dataclass(frozen=True)
class Job:
    """What a task needs to know, whichever part it works on."""

    documents: Folder
    output: Folder
    config: TokenizeConfig
    seed: int
    meter: Meter

    def rows(self, part: str, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Read those of these columns that a part has, in batches."""
        with self.documents.filesystem.open_input_file(self.documents.file(part)) as file:
            table = pq.ParquetFile(file)
            yield from table.iter_batches(ROWS, columns=[name for name in columns if name in table.schema_arrow.names])


def survey_parts(parts: list[str], job: Job) -> pa.Table:
    """Return one row per source and split of each part: `source`, `split`, `documents`, `bytes`, and `least`, the
    smallest fraction with which one of them is held out.
    """
    rows = []
    for part in parts:
        totals: dict[tuple[str, str], list[float]] = {}
        for batch in job.rows(part, ["id", "source", "bytes"]):
            for identifier, source, size in zip(*(batch[name].to_pylist() for name in ("id", "source", "bytes")), strict=True):
                split = SPLITS[is_held_out(identifier, job.config.heldout_fraction)]
                total = totals.setdefault((source, split), [0, 0, 1.0])
                total[0] += 1
                total[1] += size
                total[2] = min(total[2], least_fraction(identifier))
        rows += [{"source": source, "split": split, "documents": documents, "bytes": size, "least": least}
                 for (source, split), (documents, size, least) in sorted(totals.items())]
        job.meter.advance(1)
    schema = pa.schema([("source", pa.string()), ("split", pa.string()), ("documents", pa.int64()), ("bytes", pa.int64()),
                        ("least", pa.float64())])
    return pa.Table.from_pylist(rows, schema=schema)


def sample_parts(parts: list[str], job: Job, rates: dict[str, float]) -> pa.Table:
    """Return the sampled passages of the training documents of parts: `key` uint64, `source` and `text`."""
    chosen: list[tuple[int, str, str]] = []
    for part in parts:
        for batch in job.rows(part, ["id", "source", "text"]):
            for identifier, source, text in zip(*(batch[name].to_pylist() for name in ("id", "source", "text")), strict=True):
                if rates.get(source) and not is_held_out(identifier, job.config.heldout_fraction):
                    chosen += [(key, source, passage) for key, passage in select(identifier, text, rates[source], job.seed)]
        job.meter.advance(1)
    return pa.table({"key": pa.array([key for key, _, _ in chosen], pa.uint64()),
                     "source": pa.array([source for _, source, _ in chosen], pa.string()),
                     "text": pa.array([text for _, _, text in chosen], pa.string())})


def learn_from(blocks: list[ray.ObjectRef], config: TokenizeConfig, base: bytes | None) -> tuple[bytes, dict[str, Any]]:
    """Learn a model from sampled passages in the order of their keys, or extend `base`; return it and what is to be told of it."""
    table = pa.concat_tables(ray.get(blocks)).sort_by([("key", "ascending"), ("text", "ascending")])
    texts, sources = table["text"].to_pylist(), table["source"].to_pylist()
    sizes: Counter[str] = Counter()
    for text, source in zip(texts, sources, strict=True):
        sizes[source] += len(text.encode())
    sample = {"sample": dict(sorted(sizes.items()))}
    if base is None or config.extend is None:
        return learn(texts, config), sample
    model, told = extended(base, texts, sources, config)
    return model, sample | {"extension": told}


def counts_name(part: str) -> str:
    """Return the name, in the output, of the file that says a part is done and holds its counts."""
    return f"parts/{Path(part).stem}.json"


def encode_parts(parts: list[str], job: Job, model: list[ray.ObjectRef], digest: str) -> pa.Table:
    """Write the shards of parts, each followed by its counts; return the parts' names."""
    tokenizer = Tokenizer(ray.get(model[0]))
    for part in parts:
        number = Path(part).stem.removeprefix("part-")
        encoded = encode_part(_told(job, part), tokenizer, job.config.heldout_fraction)
        counts = []
        for (source, split), shard in sorted(encoded.shards.items()):
            folder = job.output.child("shards", source, split)
            tokens, offsets = shard.arrays()
            folder.write_bytes(f"tokens-{number}.npy", npy(tokens))
            folder.write_bytes(f"offsets-{number}.npy", npy(offsets))
            counts.append({"source": source, "split": split, **shard.counts()})
        job.output.write_json(counts_name(part), {"tokenizer": digest, "shards": counts, "fertility": rows_of(encoded.fertility)})
    return pa.table({"part": parts})


def _told(job: Job, part: str) -> Iterator[list[Row]]:
    for batch in job.rows(part, ["id", "source", "text", "language"]):
        identifiers, sources, texts = (batch[name].to_pylist() for name in ("id", "source", "text"))
        # A corpus that was not told languages has no such column, or empty cells.
        languages = batch["language"].to_pylist() if "language" in batch.schema.names else [""] * batch.num_rows
        yield [Row(identifier, source, text, language or "")
               for identifier, source, text, language in zip(identifiers, sources, texts, languages, strict=True)]
        job.meter.advance(batch.num_rows)
