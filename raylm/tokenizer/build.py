"""The tokenize stage on Ray: survey the corpus, draw the sample, learn or extend the vocabulary in one task, encode every part.

The unit of work is a corpus part, by name, so nothing depends on the order of rows or blocks. A part is done when its small
JSON of counts is there, which is written after its shards; a killed run redoes only the parts without one.
"""

import hashlib
import re
import time
from collections import Counter
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
from raylm.tokenizer.backends import is_json
from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.encode import token_dtype
from raylm.tokenizer.existing import read_existing
from raylm.tokenizer.extension import extension_rates
from raylm.tokenizer.fertility import summed
from raylm.tokenizer.huggingface import huggingface_files
from raylm.tokenizer.parts import Job, counts_name, encode_parts, learn_from, sample_parts, survey_parts
from raylm.tokenizer.sampling import sample_rates
from raylm.tokenizer.shards import INDEX, SPLITS
from raylm.tokenizer.text import JSON_FILE, MODEL_FILE, Tokenizer

LEARNED = "learned.json"
"""Which file of `tokenizer/` the tokenizer is, the bytes of each source in the sample, and what an extension gained."""
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
    model, told, learning = _tokenizer(job, parts, survey)
    encoding = time.time()
    counts = _encode(job, parts, model, sum(row["documents"] for row in survey))
    seconds = time.time() - encoding
    fertility = [row for part in counts.values() for row in part["fertility"]]
    index = _index(Tokenizer(model), job.config, counts)
    ctx.output.write_json(INDEX, index)
    tokens = sum(split["tokens"] for source in index["sources"].values() for split in source.values())
    cost = {"survey_and_learn_seconds": encoding - started, "encode_seconds": seconds, **learning,
            "tokens_per_second": tokens / max(seconds, 1e-6)}
    return _outcome(index, fertility, told, len(parts), cost)


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


def _tokenizer(job: Job, parts: list[str], survey: list[dict[str, Any]]) -> tuple[bytes, dict[str, Any], dict[str, Any]]:
    """Return the model, read, learned now or found from an earlier attempt; what is told of it; and what learning it cost."""
    folder = job.output.child("tokenizer")
    told: dict[str, Any] = job.output.read_json(LEARNED) if job.output.exists(LEARNED) else {}
    cost: dict[str, Any] = {}
    if told:
        return folder.read_bytes(told["file"]), told, cost
    if job.config.existing is not None:
        model = read_existing(job.config.existing, job.config.special)
    else:
        model, told, cost = _learned(job, parts, survey)
    files = huggingface_files(model) | ({} if is_json(model) else {MODEL_FILE: model})
    for name, data in files.items():
        folder.write_bytes(name, data)
    told = told | {"file": JSON_FILE if is_json(model) else MODEL_FILE}
    job.output.write_json(LEARNED, told)  # last: its presence says that the folder is complete
    return files[told["file"]], told, cost


def _learned(job: Job, parts: list[str], survey: list[dict[str, Any]]) -> tuple[bytes, dict[str, Any], dict[str, Any]]:
    """Draw the sample and learn a model from it, or extend one."""
    config, started = job.config, time.time()
    sizes: Counter[str] = Counter()
    for row in survey:
        if row["split"] == "train":
            sizes[row["source"]] += row["bytes"]
    base = read_existing(config.extend.base, config.special) if config.extend is not None else None
    rates = sample_rates(sizes, config.weights, config.sample_bytes) if base is None else extension_rates(sizes, config)
    job.meter.begin("sampling", "parts", len(parts))
    sample = _map(job, parts, sample_parts, rates=rates).to_arrow_refs()
    sampled = time.time()
    job.meter.begin("learning the vocabulary")
    # The task is handed references in a list: it, and not the driver, fetches the sample.
    model, told = ray.get(ray.remote(learn_from).options(num_cpus=1).remote(sample, config, base))
    return model, told, {"sample_seconds": sampled - started, "learn_seconds": time.time() - sampled,
                         "sample_bytes": sum(told["sample"].values())}


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
        "special_tokens": tokenizer.special, "heldout_fraction": config.heldout_fraction, "sources": sources,
    }


def _outcome(index: dict[str, Any], fertility: list[dict[str, Any]], told: dict[str, Any], parts: int,
             cost: dict[str, Any]) -> Outcome:
    total = {split: {name: sum(source[split][name] for source in index["sources"].values()) for name in COUNTS}
             for split in SPLITS}
    density = {name: {split: source[split]["bytes"] / source[split]["tokens"] for split in SPLITS if source[split]["tokens"]}
               for name, source in sorted(index["sources"].items())}
    by_source, by_language = summed(fertility, "source"), summed(fertility, "language")
    train = total["train"]
    return Outcome(
        metrics={"vocabulary": index["vocabulary"], "dtype": index["dtype"], "heldout_fraction": index["heldout_fraction"],
                 "sources": index["sources"], "total": total, "bytes_per_token": density, "parts": parts,
                 "fertility": {"source": by_source, "language": by_language},
                 "sample": told.get("sample"), "extension": told.get("extension")},
        headline={"vocabulary": f"{index['vocabulary']:,}", "training tokens": f"{train['tokens']:,}",
                  "held-out tokens": f"{total['heldout']['tokens']:,}",
                  "bytes per token": f"{train['bytes'] / train['tokens']:.2f}"} | _unknown(by_source),
        counts_in={"documents": train["documents"] + total["heldout"]["documents"],
                   "bytes": train["bytes"] + total["heldout"]["bytes"]},
        counts_out={"tokens": train["tokens"] + total["heldout"]["tokens"]},
        cost=cost,
    )


def _unknown(by_source: dict[str, dict[str, float]]) -> dict[str, str]:
    unknown, tokens = (sum(one[name] for one in by_source.values()) for name in ("unknown", "tokens"))
    return {"unknown tokens": f"{unknown / tokens:.2%}"} if unknown else {}
