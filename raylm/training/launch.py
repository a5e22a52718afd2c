"""Starting a training run: Ray Train puts `loop.work` on the workers, restarts them after a crash, and keeps their checkpoints."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raylm.progress import Meter
from raylm.storage import Folder
from raylm.training.config import TrainConfig
from raylm.training.loop import LOG, Assignment, work
from raylm.training.task import Task

CRASHES = 3
"""How often a run may lose workers before it gives up; each time it goes on from its last checkpoint."""


@dataclass(frozen=True)
class TrainingLog:
    """What a finished run recorded."""

    steps: list[dict[str, float]]
    """Per step: step, loss, learning_rate, grad_norm, targets, seconds."""
    evaluations: list[dict[str, float]]
    """Per evaluation: step and the task's figures; the first is of step 0, before any update."""
    resumes: list[int]
    """Steps at which it went on after a stop."""

    @property
    def targets_per_second(self) -> float:
        """Median rate over the steps after the first ten."""
        rates = sorted(record["targets"] / record["seconds"] for record in self.steps[10:] or self.steps)
        return rates[len(rates) // 2]


def train(task: Task, config: TrainConfig, output: Folder, *, seed: int, meter: Meter, title: str) -> TrainingLog:
    """Train to the end, or go on where an earlier call with the same `output` was stopped.

    Args:
        task: what to train.
        config: how.
        output: receives `checkpoint/`, `training.json` and `tensorboard/`; `_train/` while the run lasts.
        seed: of torch's generator when the network is built.
        meter: progress, in steps.
        title: what the progress display calls it.

    Raises:
        RuntimeError: the workers failed more than `CRASHES` times, with the last reason.
    """
    if not output.exists(LOG):
        _fit(Assignment(task, config, output, seed, meter, title))
    output.child("_train").clear()
    log: dict[str, Any] = output.read_json(LOG)
    return TrainingLog(log["steps"], log["evaluations"], log["resumes"])


def _fit(assignment: Assignment) -> None:
    import ray
    from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    from raylm.device import backend

    gpus = ray.cluster_resources().get("GPU", 0) >= assignment.config.workers
    storage = assignment.output.create().uri
    trainer = TorchTrainer(
        _unpack,
        train_loop_config={"assignment": assignment},
        scaling_config=ScalingConfig(num_workers=assignment.config.workers, use_gpu=gpus),
        torch_config=TorchConfig(backend="nccl" if gpus else backend(), timeout_s=600),
        # The same name and place make Ray Train find its own checkpoints after the driver was killed.
        run_config=RunConfig(name="_train", storage_path=storage,
                             failure_config=FailureConfig(max_failures=CRASHES),
                             checkpoint_config=CheckpointConfig(num_to_keep=2)))
    trainer.fit()


def _unpack(config: dict[str, Assignment]) -> None:
    work(config["assignment"])


def checkpoint_of(folder: Folder) -> Path:
    """Return the local path of a published training stage's checkpoint."""
    return folder.child("checkpoint").local()
