"""The tokenize stage on Ray: survey the corpus, draw the sample, learn the vocabulary in one task, encode every part.

The unit of work is a corpus part, by name, so nothing depends on the order of rows or blocks. A part is done when its small
JSON of counts is there, which is written after its shards; a killed run redoes only the parts without one.
"""

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import ray
import ray.data

from raylm.errors import UserError
from raylm.stage import Outcome, StageContext
from raylm.storage import Folder
from raylm.tokenizer import special
from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.encode import token_dtype
from raylm.tokenizer.huggingface import huggingface_files
from raylm.tokenizer.parts import Job, counts_name, encode_parts, learn_from, sample_parts, survey_parts
from raylm.tokenizer.shards import INDEX, SPLITS
from raylm.tokenizer.text import MODEL_FILE, Tokenizer

COUNTS = ("tokens", "documents", "bytes")


def build(ctx: StageContext[TokenizeConfig]) -> Outcome:
    """Fill the output with `tokenizer/`, `shards/`, `parts/` (the counts of each part) and `index.json`.

    Raises:
        UserError: the corpus is empty or all of it held out, a source's name cannot name a folder, or the
            vocabulary does not fit the text.
    """
    _sweep(ctx.output)
    job = Job(ctx.inputs["corpus"].folder.child("documents"), ctx.output, ctx.config, ctx.seed, ctx.meter)
    parts = job.documents.names(".parquet")
    if not parts:
        raise UserError("tokenize: the corpus has no documents")
    started = time.time()
    ctx.meter.begin("surveying", "parts", len(parts))
    survey = _survey(job, parts)
    if not _documents(survey, "heldout"):  # few documents: take the one that a larger fraction would hold out first
        job = replace(job, config=ctx.config.model_copy(update={"heldout_fraction": min(row["least"] for row in survey)}))
        survey = _survey(job, parts)
    _check(survey, job.config)
    model, learning = _tokenizer(job, parts, survey)
    encoding = time.time()
    counts = _encode(job, parts, model, sum(row["documents"] for row in survey))
    seconds = time.time() - encoding
    index = _index(Tokenizer(model), job.config, counts)
    ctx.output.write_json(INDEX, index)
    tokens = sum(split["tokens"] for source in index["sources"].values() for split in source.values())
    cost = {"survey_and_learn_seconds": encoding - started, "encode_seconds": seconds, **learning,
            "tokens_per_second": tokens / max(seconds, 1e-6)}
    return _outcome(index, len(parts), cost)


def _map(job: Job, parts: list[str], function: Callable[..., pa.Table], **arguments: Any) -> ray.data.Dataset:
    """Apply `function(parts, job, **arguments)` to every part, in tasks of one part each; lazy."""
    names = ray.data.from_items([{"part": part} for part in parts], override_num_blocks=len(parts))
    return names.map_batches(
        lambda table: function(table["part"].to_pylist(), job, **arguments), batch_size=None, batch_format="pyarrow",
        compute=ray.data.TaskPoolStrategy(size=min(job.config.workers or len(parts), len(parts))), num_cpus=1)


def _survey(job: Job, parts: list[str]) -> list[dict[str, Any]]:
    """Count documents and bytes per part, source and split: a few rows per part."""
    return list(_map(job, parts, survey_parts).take_all())


def _documents(survey: list[dict[str, Any]], split: str) -> int:
    return sum(row["documents"] for row in survey if row["split"] == split)


def _check(survey: list[dict[str, Any]], config: TokenizeConfig) -> None:
    if not _documents(survey, "train"):
        raise UserError(f"tokenize.heldout_fraction: with {config.heldout_fraction:.4g} all of the corpus "
                        f"({_documents(survey, 'heldout')} documents) is held out and nothing left to train on; give text "
                        "of more files")
    for row in survey:
        if not re.fullmatch(r"[\w][\w.-]*", row["source"]):
            raise UserError(f"corpus source {row['source']!r}: it names a folder, so letters, digits, '_', '-' and '.' only")


def _tokenizer(job: Job, parts: list[str], survey: list[dict[str, Any]]) -> tuple[bytes, dict[str, Any]]:
    """Return the SentencePiece model, learned now or found from an earlier attempt, and what learning it cost."""
    folder = job.output.child("tokenizer")
    if folder.exists(MODEL_FILE):
        return folder.read_bytes(MODEL_FILE), {}
    started = time.time()
    size = sum(row["bytes"] for row in survey if row["split"] == "train")
    rate = min(1.0, job.config.sample_bytes / max(size, 1))
    job.meter.begin("sampling", "parts", len(parts))
    sample = _map(job, parts, sample_parts, rate=rate).to_arrow_refs()
    sampled = time.time()
    job.meter.begin("learning the vocabulary")
    # The task is handed references in a list: it, and not the driver, fetches the sample.
    model, used = ray.get(ray.remote(learn_from).options(num_cpus=1).remote(sample, job.config))
    for name, data in huggingface_files(model).items():
        folder.write_bytes(name, data)
    folder.write_bytes(MODEL_FILE, model)  # last: its presence says that the folder is complete
    return model, {"sample_seconds": sampled - started, "learn_seconds": time.time() - sampled, "sample_bytes": used}


def _encode(job: Job, parts: list[str], model: bytes, documents: int) -> dict[str, dict[str, Any]]:
    """Encode the parts that are not done yet; return the counts of all of them by part."""
    job.meter.begin("tokenizing", "documents", documents)
    digest = hashlib.sha256(model).hexdigest()
    done = {part: counts for part in parts if (counts := _read_counts(job.output, part, digest)) is not None}
    job.meter.advance(sum(c["documents"] for counts in done.values() for c in counts["shards"]))
    left = [part for part in parts if part not in done]
    if left:
        shared = ray.put(model)
        _map(job, left, encode_parts, model=[shared], digest=digest).take_all()
    return {part: done.get(part) or job.output.read_json(counts_name(part)) for part in parts}


def _read_counts(output: Folder, part: str, digest: str) -> dict[str, Any] | None:
    name = counts_name(part)
    if not output.exists(name):
        return None
    counts: dict[str, Any] = output.read_json(name)
    return counts if counts["tokenizer"] == digest else None


def _sweep(output: Folder) -> None:
    """Delete the files that a killed attempt was in the middle of writing (their names begin with a dot)."""
    if output.is_local and Path(output.uri).exists():
        for file in Path(output.uri).rglob(".*"):
            if file.is_file():
                file.unlink()


def _index(tokenizer: Tokenizer, config: TokenizeConfig, counts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    sources: dict[str, dict[str, dict[str, int]]] = {}
    for part in counts.values():
        for shard in part["shards"]:
            source = sources.setdefault(shard["source"], {split: dict.fromkeys(COUNTS, 0) for split in SPLITS})
            for name in COUNTS:
                source[shard["split"]][name] += shard[name]
    return {
        "vocabulary": tokenizer.vocabulary, "dtype": token_dtype(tokenizer.vocabulary).__name__,
        "bos": tokenizer.bos, "eos": tokenizer.eos, "pad": tokenizer.pad,
        "user": tokenizer.user, "assistant": tokenizer.assistant, "end": tokenizer.end,
        "special_tokens": list(special.SPECIAL), "heldout_fraction": config.heldout_fraction, "sources": sources,
    }


def _outcome(index: dict[str, Any], parts: int, cost: dict[str, Any]) -> Outcome:
    total = {split: {name: sum(source[split][name] for source in index["sources"].values()) for name in COUNTS}
             for split in SPLITS}
    fertility = {name: {split: source[split]["bytes"] / source[split]["tokens"] for split in SPLITS if source[split]["tokens"]}
                 for name, source in sorted(index["sources"].items())}
    train = total["train"]
    return Outcome(
        metrics={"vocabulary": index["vocabulary"], "dtype": index["dtype"], "heldout_fraction": index["heldout_fraction"],
                 "sources": index["sources"], "total": total, "bytes_per_token": fertility, "parts": parts},
        headline={"vocabulary": f"{index['vocabulary']:,}", "training tokens": f"{train['tokens']:,}",
                  "held-out tokens": f"{total['heldout']['tokens']:,}",
                  "bytes per token": f"{train['bytes'] / train['tokens']:.2f}"},
        counts_in={"documents": train["documents"] + total["heldout"]["documents"],
                   "bytes": train["bytes"] + total["heldout"]["bytes"]},
        counts_out={"tokens": train["tokens"] + total["heldout"]["tokens"]},
        cost=cost,
    )
