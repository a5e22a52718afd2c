"""Starting a training run: Ray Train puts `loop.work` on the workers and keeps their checkpoints; here lost ones are replaced."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from raylm.errors import UserError, cut_off
from raylm.progress import Meter
from raylm.storage import Folder
from raylm.training.checkpoints import check, clear_but, newest
from raylm.training.config import TrainConfig
from raylm.training.loop import LOG, Assignment, work
from raylm.training.task import Task

STATE = "_train"
"""The folder of checkpoints while a run lasts."""
CRASHES = 3
"""How often a run may lose workers before it gives up; each time it goes on from its last checkpoint."""


@dataclass(frozen=True)
class TrainingLog:
    """What a finished run recorded."""

    steps: list[dict[str, float]]
    """Per step: step, loss, learning_rate, grad_norm, targets, seconds."""
    evaluations: list[dict[str, float | None]]
    """Per evaluation: step and the task's figures, None for one that nothing was measured for; the first is of step 0,
    before any update."""
    resumes: list[int]
    """Steps at which it went on after a stop."""

    @property
    def targets_per_second(self) -> float:
        """Median rate over the steps after the first ten."""
        rates = sorted(record["targets"] / record["seconds"] for record in self.steps[10:] or self.steps)
        return rates[len(rates) // 2]


def train(task: Task, config: TrainConfig, output: Folder, *, seed: int, meter: Meter, title: str,
          keys: str = "train") -> TrainingLog:
    """Train to the end, or go on where an earlier call with the same `output` was stopped.

    Args:
        task: what to train.
        config: how.
        output: receives `checkpoint/`, `training.json` and `tensorboard/`; `_train/` while the run lasts.
        seed: of torch's generator when the network is built.
        meter: progress, in steps.
        title: what the progress display calls it.
        keys: where `config` stands in the recipe (`pretrain.train`), for messages.

    Raises:
        UserError: a mistake that a worker met (a source without text, a loss that is no number), or workers or a ZeRO stage
            other than those that an unfinished run began with.
        ray.train.WorkerGroupError: the program failed in a worker, or workers were lost more than `CRASHES` times.
    """
    if not output.exists(LOG):
        _fit(Assignment(task, config, output, seed, meter, title, keys))
    output.child(STATE).clear()
    log: dict[str, Any] = output.read_json(LOG)
    return TrainingLog(log["steps"], log["evaluations"], log["resumes"])


def lost_worker(failures: Mapping[int, BaseException]) -> bool:
    """Whether another try may do better: a worker died, or all that went wrong is that one could not reach the others.

    What the program itself raises, it raises again.

    Args:
        failures: what Ray Train reports, by rank.
    """
    # A peer may die so shortly before Ray Train asks that its neighbours' broken connections are all that it hears of.
    died = any(type(error).__module__.startswith("ray.") for error in failures.values())
    return died or all(cut_off(error) for error in failures.values())


def _fit(assignment: Assignment) -> None:
    """Run the workers until they are done, again from the last checkpoint where some were lost.

    Not with `FailureConfig(max_failures=...)`: Ray Train would also repeat what fails the same way each time.
    """
    from ray.train import WorkerGroupError

    for crashes in range(CRASHES + 1):
        start = _starting_point(assignment)
        try:
            _run(replace(assignment, start=start))
            return
        except WorkerGroupError as error:
            if assignment.output.exists(LOG):  # all was done, a worker was lost while it ended
                return
            for failure in error.worker_failures.values():
                if isinstance(failure, UserError):
                    raise failure from None
            if crashes == CRASHES or not lost_worker(error.worker_failures):
                raise
        assignment.meter.begin(f"{assignment.title}: lost a worker, starting again")


def _starting_point(assignment: Assignment) -> Folder | None:
    """Find the checkpoint to go on from, and delete what is left beside it."""
    place = assignment.output.child(STATE)
    saved = newest(place)
    if saved is not None:
        check(saved, assignment.config, assignment.keys)
    elif place.folders():
        assignment.meter.begin(f"{assignment.title}: no whole checkpoint was left, starting anew")
    clear_but(place, saved)
    return saved.folder if saved is not None else None


def _run(assignment: Assignment) -> None:
    import ray
    from ray.train import CheckpointConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    from raylm.device import backend
    from raylm.training.one_address import OneAddress

    gpus = ray.cluster_resources().get("GPU", 0) >= assignment.config.workers
    trainer = TorchTrainer(
        _unpack,
        train_loop_config={"assignment": assignment},
        scaling_config=ScalingConfig(num_workers=assignment.config.workers, use_gpu=gpus),
        torch_config=OneAddress(backend="nccl" if gpus else backend(), timeout_s=600),
        run_config=RunConfig(name=STATE, storage_path=assignment.output.create().uri,
                             checkpoint_config=CheckpointConfig(num_to_keep=2)))
    trainer.fit()


def _unpack(config: dict[str, Assignment]) -> None:
    work(config["assignment"])


def checkpoint_of(folder: Folder) -> Path:
    """Return the local path of a published training stage's checkpoint."""
    return folder.child("checkpoint").local()
