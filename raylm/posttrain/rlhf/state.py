"""What a run remembers of itself between iterations, and where: all that `resume` needs beside the engines' own state.

Randomness and the position in the prompts are pure functions of (seed, iteration), so they need no saving. `latest.json` is
written after everything it names, so a state exists whole or not at all.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from raylm.errors import UserError
from raylm.posttrain.rlhf.config import RlhfConfig
from raylm.storage import Folder

LATEST = "latest.json"


@dataclass
class Progress:
    """How far a run is."""

    iteration: int = 0
    """Iterations done."""
    kl_coefficient: float = 0.0
    reward_mean: float = 0.0
    """Mean raw score of true answers, by which scores are normalised."""
    reward_deviation: float = 1.0
    history: list[dict[str, float]] = field(default_factory=list)
    """Figures of each iteration."""
    before: dict[str, Any] | None = None
    """The measurement on held-out prompts before the first update."""
    resumes: list[int] = field(default_factory=list)
    """Iterations at which the run went on after a stop."""


def read_progress(state: Folder, config: RlhfConfig) -> tuple[Progress, Folder | None]:
    """Return where a run stands and the folder of its engines' state, None where there is none yet.

    Raises:
        UserError: the state was written by other numbers of workers, whose shards do not fit.
    """
    if not state.exists(LATEST):
        return Progress(kl_coefficient=config.kl.coefficient), None
    saved = state.read_json(LATEST)
    for name, count in saved["workers"].items():
        if getattr(config, name) != count:
            raise UserError(f"rlhf.{name}: got {getattr(config, name)}, allowed: {count}, with which this unfinished run "
                            f"began (or delete {state.uri} to begin anew)")
    progress = Progress(**saved["progress"])
    progress.resumes.append(progress.iteration)
    return progress, state.child(saved["folder"])


def engines_folder(state: Folder, iteration: int) -> Folder:
    """Return where the engines' state of an iteration goes, emptied of what a killed attempt left there."""
    folder = state.child(f"iteration-{iteration:06d}")
    folder.clear()
    return folder


def write_progress(state: Folder, progress: Progress, config: RlhfConfig) -> None:
    """Publish the state whose engines have just been saved, then delete older ones."""
    name = f"iteration-{progress.iteration:06d}"
    state.write_json(LATEST, {"folder": name, "progress": asdict(progress), "workers": {
        "actor_workers": config.actor_workers, "critic_workers": config.critic_workers}})
    for other in state.folders():
        if other != name:
            state.child(other).clear()
