"""The corpus stages on a private Ray, without a recipe file: what benchmarks of the corpus time and look into."""

import time
from pathlib import Path
from typing import Any

from raylm.corpus.config import CorpusConfig
from raylm.pipeline.stages import BY_NAME
from raylm.progress import Meter
from raylm.stage import StageContext
from raylm.storage import Artifact, Folder

STAGES = ("read", "score", "corpus")


def build_corpus(folder: Path, config: dict[str, Any], cpus: int = 2) -> Path:
    """Build the three corpus stages in a folder, on a Ray of its own with so many CPUs; return the corpus artifact's folder."""
    import ray

    from raylm.pipeline.quiet import quiet_ray
    from raylm.pipeline.session import start_private

    quiet_ray()
    start_private(num_cpus=cpus, include_dashboard=False, object_store_memory=1_000_000_000, log_to_driver=False,
                  logging_level="ERROR")
    try:
        stages_in(folder, CorpusConfig.model_validate(config))
    finally:
        ray.shutdown()
    return folder / "corpus"


def stages_in(folder: Path, config: CorpusConfig) -> dict[str, float]:
    """Build the stages in a folder on the Ray that is running; return the seconds of each."""
    artifacts = {name: Artifact(name, name, Folder.at(folder / name)) for name in STAGES}
    seconds = {}
    for name in STAGES:
        artifact, started = artifacts[name], time.monotonic()
        needs = {need: artifacts[need] for need in BY_NAME[name].needs}
        outcome = BY_NAME[name].build(StageContext(config, 0, needs, artifact.folder.create(), Meter()))
        artifact.publish({"metrics": outcome.metrics, "headline": outcome.headline}, outcome.cost)
        for scratch in outcome.scratch:
            artifact.folder.child(scratch).clear()
        seconds[name] = time.monotonic() - started
    return seconds
