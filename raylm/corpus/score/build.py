"""The score stage on Ray: train each model once, in a task of its own, then ask them all about every partition, in a task for each.

It runs before any rule has judged, so no threshold is known here and changing one recomputes no score. Without models it does
nothing.
"""

import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pyarrow as pa
import ray
import ray.data

from raylm.corpus.config import CorpusConfig
from raylm.corpus.models.bins import added
from raylm.corpus.plain_errors import plain_errors
from raylm.corpus.score.parts import (
    SCORES,
    SUMMARIES,
    Job,
    marker,
    sample_parts,
    score_parts,
    size_parts,
    summary_name,
    train_model,
)
from raylm.corpus.score.sampling import draws
from raylm.stage import Outcome, StageContext


def build(ctx: StageContext[CorpusConfig]) -> Outcome:
    """Fill `models/` (a folder for each) and `scores/` (row for row the partitions of the read documents, a column for each model).

    Raises:
        UserError: labelled text cannot be read, there is too little to train on, or `only` names no column.
    """
    models = tuple(ctx.config.models)
    if not models:
        return Outcome(metrics={"models": {}}, headline={"models": "none"})
    ray.data.DataContext.get_current().enable_progress_bars = False
    job = Job(ctx.inputs["read"].folder.child("documents"), ctx.output, models, ctx.seed, ctx.meter)
    parts = job.documents.names(".parquet")
    if parts:
        job.check(parts[0])
    started = time.monotonic()
    with plain_errors():
        markers = _train(job, parts)
        trained = time.monotonic()
        summaries = _score(job, parts, markers)
    return _outcome(job, markers, summaries, {"train_seconds": round(trained - started, 2),
                                              "score_seconds": round(time.monotonic() - trained, 2)})


def _train(job: Job, parts: list[str]) -> dict[str, dict[str, Any]]:
    """Train what is not trained yet; return the markers of all."""
    left = [model for model in job.models if marker(job, model) is None]
    sample: list[ray.ObjectRef] = []
    if any(model.training() for model in left):
        job.meter.begin("sizing up the sources", "parts", len(parts))
        wanted = draws(left, _map(job, parts, size_parts).iter_rows())
        job.meter.begin("sampling", "parts", len(parts))
        sample = _map(job, parts, sample_parts, wanted=wanted).to_arrow_refs()
    job.meter.begin("training", "models", len(left))
    task = ray.remote(train_model).options(num_cpus=1)
    # References in a list: the task, and not the driver, fetches the sample.
    waiting = [task.remote(model, sample, job) for model in left]
    while waiting:
        done, waiting = ray.wait(waiting)
        ray.get(done)
        job.meter.advance(1)
    found = {model.name: marker(job, model) for model in job.models}
    return {name: made for name, made in found.items() if made is not None}


def _score(job: Job, parts: list[str], markers: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Score the parts that are not scored yet; return the summaries of all."""
    digest = sha256("".join(markers[model.name]["digest"] for model in job.models).encode()).hexdigest()[:16]
    left = [part for part in parts if _summary(job, part, digest) is None]
    job.meter.begin("scoring", "documents")
    if left:
        _map(job, left, score_parts, digest=digest).take_all()
    return [found for part in parts if (found := _summary(job, part, digest)) is not None]


def _summary(job: Job, part: str, digest: str) -> dict[str, Any] | None:
    folder, name = job.output.child(SUMMARIES), summary_name(part)
    if not (folder.exists(name) and job.output.child(SCORES).exists(part)):
        return None
    found: dict[str, Any] = folder.read_json(name)
    return found["models"] if found["digest"] == digest else None


def _map(job: Job, parts: list[str], function: Callable[..., pa.Table], **arguments: Any) -> ray.data.Dataset:
    """Apply `function(parts, job, **arguments)` to every part, in tasks of one part each; lazy."""
    names = ray.data.from_items([{"part": part} for part in parts], override_num_blocks=len(parts))
    return names.map_batches(lambda table: function(table["part"].to_pylist(), job, **arguments),
                             batch_size=None, batch_format="pyarrow", num_cpus=1)


def _outcome(job: Job, markers: dict[str, dict[str, Any]], summaries: list[dict[str, Any]], cost: dict[str, Any]) -> Outcome:
    documents = sum(summary["documents"] for summary in summaries)
    found = {}
    for model in job.models:
        mine = [summary["scores"][model.name] for summary in summaries]
        scored = sum(one["scored"] for one in mine)
        languages = sorted({language for one in mine for language in one["histograms"]})
        found[model.name] = {
            "kind": model.kind, "scale": model.scale, "bytes": markers[model.name]["bytes"],
            "training": markers[model.name]["training"], "scored": scored, "skipped": documents - scored,
            "histograms": {language: added(one["histograms"].get(language, {}) for one in mine) for language in languages}}
    total = sum(one["scored"] for one in found.values())
    return Outcome(
        metrics={"models": found}, headline={"models": f"{len(found)}", "scores": f"{total:,}"},
        counts_in={"documents": documents}, counts_out={"scores": total},
        cost={**cost, "documents_per_second": documents / max(cost["score_seconds"], 1e-6)}, scratch=(SUMMARIES,))
