"""Building the three corpus stages in a folder, as a run does, without a recipe."""

from pathlib import Path

from raylm.corpus.config import CorpusConfig
from raylm.pipeline.stages import BY_NAME
from raylm.progress import Meter
from raylm.stage import Outcome, StageContext
from raylm.storage import Artifact, Folder

STAGES = ("read", "score", "corpus")


def artifacts_in(folder: Path) -> dict[str, Artifact]:
    return {name: Artifact(name, name, Folder.at(folder / name)) for name in STAGES}


def make(config: CorpusConfig, folder: Path, stages: tuple[str, ...] = STAGES) -> tuple[dict[str, Artifact], Outcome]:
    """Build what is not built yet; return the artifacts and the last stage's outcome."""
    artifacts = artifacts_in(folder)
    for name in stages:
        artifact = artifacts[name]
        needs = {need: artifacts[need] for need in BY_NAME[name].needs}
        outcome = BY_NAME[name].build(StageContext(config, 0, needs, artifact.folder.create(), Meter()))
        artifact.publish({"metrics": outcome.metrics, "headline": outcome.headline}, outcome.cost)
        for scratch in outcome.scratch:
            artifact.folder.child(scratch).clear()
    return artifacts, outcome
