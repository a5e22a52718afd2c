"""The loop that every Ray Train worker runs: restore, then step by step compute, reduce, update; evaluate and save on the way.

The loss is the exact mean over all targets of a global batch, whatever the split into workers and micro-batches: each part's SUM
is divided by the global count before the backward pass, and DeepSpeed's own averaging is multiplied out.
"""

import json
import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray.train
import torch
import torch.distributed as dist

from raylm.device import cpu_threads
from raylm.errors import UserError
from raylm.progress import Meter
from raylm.storage import Folder
from raylm.training.checkpoints import write_part
from raylm.training.config import TrainConfig
from raylm.training.engine import full_state, initialize, set_learning_rate, summed, to_device
from raylm.training.schedule import warmup_cosine
from raylm.training.shown import shown
from raylm.training.task import Task

LOG = "training.json"


@dataclass(frozen=True)
class Assignment:
    """What one worker is sent: the task, how to train it, and where the result goes."""

    task: Task
    config: TrainConfig
    output: Folder
    seed: int
    meter: Meter
    title: str
    keys: str
    """Where `config` stands in the recipe, for messages."""
    start: Folder | None = None
    """The checkpoint to go on from."""


@dataclass
class Progress:
    """What a run remembers of itself, saved with every checkpoint."""

    step: int
    steps: list[dict[str, float]]
    evaluations: list[dict[str, float | None]]
    resumes: list[int]
    """The steps at which the run went on after it had stopped."""


def work(assignment: Assignment) -> None:
    """Train to the end. Runs in a Ray Train worker; all workers run it together.

    Raises:
        UserError: the loss is no longer a number.
    """
    config, task = assignment.config, assignment.task
    torch.set_num_threads(cpu_threads(config.workers))
    torch.manual_seed(assignment.seed)
    world, rank = dist.get_world_size(), dist.get_rank()
    accumulation = config.batch // (world * config.micro())
    engine = initialize(task.model(), config, accumulation)
    progress = _restore(engine, assignment.start)
    events = _events(assignment.output, rank, progress.step)
    if rank == 0:
        assignment.meter.begin(assignment.title, "steps", config.steps)
    if progress.step == 0:
        progress.evaluations.append({"step": 0, **_evaluate(task, engine)})
    for step in range(progress.step, config.steps):
        started = time.perf_counter()
        rate = warmup_cosine(step, config.steps, config.learning_rate, config.warmup, config.final_fraction)
        set_learning_rate(engine, rate)
        loss, targets = train_step(engine, task, step, config.batch // world, accumulation, rank)
        progress.step = step + 1
        norm = float(engine.get_global_grad_norm() or 0.0)
        record = {"step": step + 1, "loss": loss, "learning_rate": rate, "grad_norm": norm, "targets": targets,
                  "seconds": time.perf_counter() - started}
        progress.steps.append(record)
        if not math.isfinite(loss):
            raise UserError(f"{assignment.keys}.learning_rate: got {config.learning_rate:g}, with which the loss of step "
                            f"{step + 1} is {loss}; try a lower one")
        if (step + 1) % config.evaluate_every == 0 or step + 1 == config.steps:
            progress.evaluations.append({"step": step + 1, **_evaluate(task, engine)})
        if rank == 0:
            _tell(assignment.meter, events, progress)
        if (step + 1) % config.checkpoint_every == 0 and step + 1 < config.steps:
            _save(engine, progress, config, rank)
    _finish(engine, assignment, progress, rank)


def train_step(engine: Any, task: Task, step: int, share: int, accumulation: int, rank: int) -> tuple[float, int]:
    """Do one optimiser step on this worker's share of the global batch; return the global mean loss and its target count."""
    engine.train()
    world, micro = dist.get_world_size(), share // accumulation
    first = step * share * world + rank * share
    batches = [to_device(task.batch(first + index * micro, micro)) for index in range(accumulation)]
    total = summed([float(sum(task.count(batch) for batch in batches))])[0]
    local = 0.0
    for batch in batches:
        loss = task.loss(engine, batch)
        local += float(loss.detach())
        # DeepSpeed divides by the accumulation in backward() and averages over workers: undo both, divide by what is right.
        engine.backward(loss * (world * accumulation / max(total, 1.0)))
        engine.step()
    return summed([local])[0] / max(total, 1.0), int(total)


def means(sums: dict[str, tuple[float, float]]) -> dict[str, float | None]:
    """Divide each figure's sum by its count; None where nothing was counted, since nothing is known then."""
    return {name: total / count if count else None for name, (total, count) in sums.items()}


def _evaluate(task: Task, engine: Any) -> dict[str, float | None]:
    engine.eval()
    with torch.no_grad():
        figures = task.evaluate(engine, dist.get_rank(), dist.get_world_size())
    names = sorted(figures)
    totals = summed([value for name in names for value in figures[name]])
    return means({name: (totals[2 * i], totals[2 * i + 1]) for i, name in enumerate(names)})


def _restore(engine: Any, start: Folder | None) -> Progress:
    # Ray Train knows of one where it replaced the workers itself, after a node was taken away; the driver's is older then.
    checkpoint = ray.train.get_checkpoint()
    if checkpoint is None and start is not None:
        checkpoint = ray.train.Checkpoint(start.path, start.filesystem)
    if checkpoint is None:
        return Progress(0, [], [], [])
    with checkpoint.as_directory() as folder:
        engine.load_checkpoint(folder, tag="engine")
        progress = Progress(**json.loads((Path(folder) / LOG).read_text()))
    progress.resumes.append(progress.step)
    return progress


def _save(engine: Any, progress: Progress, config: TrainConfig, rank: int) -> None:
    """Save every worker's part and publish them together as one Ray Train checkpoint. Collective."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "engine").mkdir()
        engine.save_checkpoint(folder, tag="engine", save_latest=False)
        if rank == 0:
            (Path(folder) / LOG).write_text(json.dumps(vars(progress)))
        write_part(Path(folder), rank, progress.step, config)
        ray.train.report({"step": progress.step}, checkpoint=ray.train.Checkpoint.from_directory(folder))


def _finish(engine: Any, assignment: Assignment, progress: Progress, rank: int) -> None:
    state = full_state(engine)
    if rank == 0:
        with tempfile.TemporaryDirectory() as folder:
            assignment.task.export(state, Path(folder) / "checkpoint")
            target = assignment.output.child("checkpoint")
            assignment.output.remove(LOG)
            target.clear()
            target.upload(Path(folder) / "checkpoint")
        assignment.output.write_json(LOG, vars(progress))  # last: `launch.train` takes its presence for the end
    dist.barrier()


def _events(output: Folder, rank: int, step: int) -> Any:
    """Open a TensorBoard log beside the checkpoint; on an object store there is none to append to."""
    if rank != 0 or not output.is_local:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(Path(output.uri) / "tensorboard"), purge_step=step + 1 if step else None)


def _tell(meter: Meter, events: Any, progress: Progress) -> None:
    record, evaluation = progress.steps[-1], progress.evaluations[-1]
    note = f"loss {record['loss']:.3f}"
    if "heldout_loss" in evaluation:
        note += f", held-out {shown(evaluation['heldout_loss'])}"
    meter.set(record["step"], f"{note}, {record['targets'] / record['seconds']:,.0f} targets/s")
    if events is None:
        return
    for name in ("loss", "learning_rate", "grad_norm"):
        events.add_scalar(f"train/{name}", record[name], record["step"])
    events.add_scalar("train/targets_per_second", record["targets"] / record["seconds"], record["step"])
    if evaluation["step"] == record["step"]:
        for name, value in evaluation.items():
            if value is not None:
                events.add_scalar(f"heldout/{name}", value, record["step"])
