"""The corpus stage, read aloud: list the files, read and judge them, find the duplicates, write what is left
and why the rest is gone.

Each step on Ray ends with a marker under `_steps`, so a killed run goes on at the step; the folder is removed at the end. The last
marker has all that the stage says of itself and goes after the artifact is published: a run killed at the end repeats nothing.
"""

import time

import ray.data

from raylm.corpus import funnel
from raylm.corpus.config import CorpusConfig
from raylm.corpus.dedup.signatures import bands_and_rows
from raylm.corpus.duplicates import find_duplicates
from raylm.corpus.ingest import ingest
from raylm.corpus.listing import list_files
from raylm.corpus.publish import publish
from raylm.corpus.steps import FOLDER, Result, Steps, in_order
from raylm.errors import UserError
from raylm.stage import Outcome, StageContext
from raylm.storage import Folder

_CLUSTERS = 20


def build(ctx: StageContext[CorpusConfig]) -> Outcome:
    """Fill `documents/` and `removed/`.

    Raises:
        UserError: a folder is missing, on any node, or holds no file, or no document is left.
    """
    steps = Steps(ctx.output)
    ray.data.DataContext.get_current().enable_progress_bars = False  # the meter speaks to the user
    made = (steps.kept("publish") or _make(ctx, steps))[0]
    final = made["final"]
    if not any(row["step"] is None for row in final):
        raise UserError(f"corpus: none of {sum(row['documents'] for row in final)} documents is left: {funnel.reasons(final)}")
    outcome = _outcome(ctx.config, **made)
    steps.clear("publish")
    return outcome


def _make(ctx: StageContext[CorpusConfig], steps: Steps) -> Result:
    """Do the steps. The result of the last one is a row with what `_outcome` takes."""
    config, clock = ctx.config, _Clock()
    files = list_files(config)
    parts = config.partitions_for(sum(file.text_bytes for file in files))
    ctx.meter.begin("read, clean and judge", "MB", sum(file.size for file in files) / 1e6)
    read = steps.run("read", lambda folder: ingest(files, config, parts, ctx.meter, folder))
    clock.lap("read")
    clusters = find_duplicates(config.dedup, parts, steps, ctx.meter) if config.dedup.enabled else []
    clock.lap("duplicates")

    def write(_: Folder) -> Result:
        final = in_order(publish(ctx.output, steps.folder, parts, ctx.meter))
        clock.lap("write")
        return [{"read": read, "clusters": clusters, "final": final, "seconds": clock.laps}]

    return steps.run("publish", write, fills=("documents", "removed"))


def _outcome(config: CorpusConfig, read: Result, clusters: Result, final: Result, seconds: dict[str, float]) -> Outcome:
    steps = funnel.funnel(read, final)
    documents = {source.name: _sum(steps, "near", "documents_out", source.name) for source in config.sources}
    bytes_out = {source.name: _sum(steps, "near", "bytes_out", source.name) for source in config.sources}
    bands, rows = bands_and_rows(config.dedup.threshold, config.dedup.permutations)
    largest = sorted(clusters, key=lambda row: (-row["members"], row["survivor"]))[:_CLUSTERS]
    masked = funnel.masked(read)
    metrics = {
        "funnel": steps,
        "reasons": funnel.reasons(final),
        "samples": funnel.samples(final),
        "masked": masked,
        "clusters": largest,
        "documents": documents,
        "bytes": bytes_out,
        "lsh": {"bands": bands, "rows": rows, "threshold": config.dedup.threshold},
    }
    seen, kept = _sum(steps, "read", "documents_in"), sum(documents.values())
    raw = _sum(steps, "read", "bytes_in")
    duplicates = _sum(steps, "exact", "documents_in") - kept
    headline = {
        "documents": f"{kept:,} of {seen:,}",
        "text": f"{sum(bytes_out.values()) / 1e6:,.1f} MB of {raw / 1e6:,.1f} MB",
        "duplicates": f"{duplicates:,}",
        "masked": f"{sum(sum(kinds.values()) for kinds in masked.values()):,}",
    }
    return Outcome(
        metrics=metrics,
        headline=headline,
        counts_in={"documents": seen, "bytes": raw},
        counts_out={"documents": kept, "bytes": sum(bytes_out.values())},
        cost={"step_seconds": seconds, "megabytes_per_second": raw / 1e6 / max(sum(seconds.values()), 1e-9)},
        scratch=(FOLDER,),
    )


def _sum(steps: Result, step: str, key: str, source: str | None = None) -> int:
    return sum(row[key] for row in steps if row["step"] == step and source in (None, row["source"]))


class _Clock:
    """Seconds of each step of this making."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name], self._last = round(now - self._last, 2), now
