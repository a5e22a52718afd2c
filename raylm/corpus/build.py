"""The corpus stage, read aloud: run the recipe's steps over what was read, then write what is left and why the rest is gone.

Each step on Ray ends with a marker under `_steps`, so a killed run goes on at the step; the folder is removed at the end. The last
marker has all that the stage says of itself and goes after the artifact is published: a run killed at the end repeats nothing.
"""

import time
from typing import Any

from raylm.corpus import funnel
from raylm.corpus.config import CorpusConfig
from raylm.corpus.dedup.earlier import document_of
from raylm.corpus.dedup.survivors import LARGEST
from raylm.corpus.markers import FOLDER, Markers, Result, in_order
from raylm.corpus.origin import partition
from raylm.corpus.publish import FILLS, publish
from raylm.corpus.read.build import DOCUMENTS
from raylm.corpus.read.schema import read_columns
from raylm.corpus.steps.base import Corpus, Step
from raylm.corpus.steps.run import labels, run_steps
from raylm.errors import UserError
from raylm.stage import Outcome, StageContext
from raylm.storage import Folder


def build(ctx: StageContext[CorpusConfig]) -> Outcome:
    """Fill `documents/`, `removed/` and `fingerprints/`, and what single steps list (`matches/`).

    Raises:
        UserError: no document is left.
    """
    markers = Markers(ctx.output)
    made = (markers.kept("publish") or _make(ctx, markers))[0]
    read = ctx.inputs["read"].metrics["read"]
    if not any(not row["step"] for row in made["final"]):
        raise UserError(f"corpus: none of {_sum(read, 'documents')} documents is left: {funnel.reasons(made['final'])}")
    outcome = _outcome(ctx.config, read, **made)
    markers.clear("publish")
    return outcome


def _make(ctx: StageContext[CorpusConfig], markers: Markers) -> Result:
    """Run the steps and publish. The result of the last marker is a row with what `_outcome` takes."""
    config = ctx.config
    read = ctx.inputs["read"].folder.child(DOCUMENTS)
    scores = ctx.inputs["score"].folder.child("scores") if config.models else None
    documents = _sum(ctx.inputs["read"].metrics["read"], "documents")
    corpus = Corpus(read, scores, len(read.names(".parquet")), documents, config.rank_by_source(), config.measures())
    steps = resolved(config, ctx.inputs["score"].metrics)
    details: dict[str, Any] = {}
    seconds: dict[str, float] = {}
    started = time.monotonic()
    for group, left, found in run_steps(steps, corpus, markers, ctx.meter):
        corpus = left
        details[group.name] = {"steps": [label for label, _ in group.steps], **found}
        seconds[group.name[3:]] = round(time.monotonic() - started, 2)
        started = time.monotonic()
    for found in details.values():
        if "clusters" in found:
            found["clusters"] = [_placed(corpus, row) for row in found["clusters"][:LARGEST]]

    def write(_: Folder) -> Result:
        for found in details.values():
            for name, folder in found.pop("publish", {}).items():
                _copied(markers.folder.child(folder), ctx.output.child(name))
        final = in_order(publish(ctx.output, corpus, config.fingerprints(), ctx.meter))
        return [{"details": details, "final": final, "seconds": {**seconds, "write": round(time.monotonic() - started, 2)}}]

    return markers.run("publish", write, fills=FILLS)


def resolved(config: CorpusConfig, scores: dict[str, Any]) -> list[Step]:
    """Return the steps that are enabled, with thresholds that are percentiles replaced by the values that they stand for here."""
    steps = []
    for step in config.steps:
        resolve = getattr(step, "resolve", None)
        steps.append(resolve(scores) if resolve else step)
    return steps


def _copied(source: Folder, target: Folder) -> None:
    """Copy what a step lists besides its changes (matches with evaluation sets): a partition at a time, as it is."""
    for name in source.names(".parquet"):
        target.create().write_bytes(name, source.read_bytes(name))


def _placed(corpus: Corpus, cluster: dict[str, Any]) -> dict[str, Any]:
    """Add to a cluster the path and source of the document that stays."""
    if cluster["place"]:
        path = document_of(cluster["place"], cluster["survivor"], ["path"])["path"]
        return {**cluster, "path": path, "source": "an earlier corpus"}
    part = partition(cluster["survivor"], corpus.parts)
    rows = read_columns(corpus.read, None, part, ["id", "path", "source"])
    where = rows.slice(rows["id"].index(cluster["survivor"]).as_py(), 1).to_pylist()[0]
    return {**cluster, "path": where["path"], "source": where["source"]}


def _outcome(config: CorpusConfig, read: Result, details: dict[str, Any], final: Result, seconds: dict[str, float]) -> Outcome:
    steps = labels(config.steps)
    rows = funnel.funnel(read, final, steps)
    kept = [row for row in final if not row["step"]]
    documents = {source.name: _sum([row for row in kept if row["source"] == source.name], "documents") for source in config.sources}
    sizes = {source.name: _sum([row for row in kept if row["source"] == source.name], "bytes") for source in config.sources}
    reasons = funnel.reasons(final)
    metrics = {"funnel": rows, "steps": steps, "reasons": reasons, "samples": funnel.samples(final), "masked": funnel.masked(read),
               "details": details, "documents": documents, "bytes": sizes}
    duplicates = sum(found.get("removed", 0) for found in details.values())
    seen, raw = _sum(read, "documents"), _sum(read, "raw_bytes")
    headline = {"documents": f"{sum(documents.values()):,} of {seen:,}",
                "text": f"{sum(sizes.values()) / 1e6:,.1f} MB of {raw / 1e6:,.1f} MB", "duplicates": f"{duplicates:,}"}
    return Outcome(
        metrics=metrics, headline=headline, counts_in={"documents": seen, "bytes": raw},
        counts_out={"documents": sum(documents.values()), "bytes": sum(sizes.values())},
        cost={"step_seconds": seconds}, scratch=(FOLDER,))


def _sum(rows: Result, key: str) -> int:
    return sum(row[key] for row in rows)
