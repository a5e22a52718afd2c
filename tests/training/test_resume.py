"""A stopped run goes on from its last whole checkpoint and ends as if it had never been stopped: Ray Train and DeepSpeed, tiny."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import ray.cloudpickle
import torch
import toy
from toy import Toy

from raylm.errors import UserError
from raylm.progress import Meter
from raylm.storage import Folder
from raylm.training.config import TrainConfig
from raylm.training.launch import TrainingLog, train
from raylm.training.schedule import warmup_cosine

pytestmark = pytest.mark.slow
ray.cloudpickle.register_pickle_by_value(toy)  # the workers cannot import what lies beside a test
CONFIG = TrainConfig(steps=10, batch=4, micro_batch=2, workers=2, precision="fp32", checkpoint_every=2, evaluate_every=10,
                     warmup=0, learning_rate=0.05)


def run(task: Toy, output: Path, **changes) -> TrainingLog:
    return train(task, CONFIG.model_copy(update=changes), Folder.at(output), seed=0, meter=Meter(), title="toy", keys="toy.train")


def times(notes: Path, what: str) -> int:
    return len((notes / what).read_text().split())


def trained_plainly(task: Toy) -> tuple[list[float], dict[str, torch.Tensor]]:
    """The losses and weights of the same training without workers, DeepSpeed or stops."""
    torch.manual_seed(0)
    model = task.model()
    groups = [{"params": [model.layer.weight], "weight_decay": CONFIG.weight_decay},
              {"params": [model.layer.bias], "weight_decay": 0.0}]
    optimizer, losses = torch.optim.AdamW(groups, betas=CONFIG.betas, eps=1e-8), []
    for step in range(CONFIG.steps):
        for group in optimizer.param_groups:
            group["lr"] = warmup_cosine(step, CONFIG.steps, CONFIG.learning_rate, CONFIG.warmup, CONFIG.final_fraction)
        loss = task.loss(model, task.batch(step * CONFIG.batch, CONFIG.batch)) / CONFIG.batch
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CONFIG.clip)
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses, {name: tensor.detach() for name, tensor in model.state_dict().items()}


def newest_folder(output: Path) -> Path:
    return max(folder for folder in (output / "_train").glob("checkpoint_*") if folder.is_dir())


def test_a_run_stopped_in_every_way_ends_as_one_that_was_not(ray_cluster, tmp_path):
    (tmp_path / "notes").mkdir()
    task, output = Toy(tmp_path / "notes"), tmp_path / "out"

    # Step 6 (samples 20 to 24) meets a mistake of the user's: told at once, in its own words, after the checkpoint of step 4.
    with pytest.raises(UserError, match=r"^source 'a' has 12 tokens, too few for one window of 16$"):
        run(replace(task, mistake=21), output)
    assert times(task.notes, "mistake") == 1

    # A kill while Ray Train wrote its record, and another while a worker copied its part of a checkpoint.
    snapshot = output / "_train" / "checkpoint_manager_snapshot.json"
    snapshot.write_bytes(snapshot.read_bytes()[:40])
    partial = output / "_train" / "checkpoint_9999-01-01_00-00-00.000000"
    shutil.copytree(newest_folder(output), partial)
    next(partial.glob("engine/*optim_states.pt")).write_bytes(b"cut")

    # Step 8 kills a worker, after the checkpoint of step 6.
    log = run(replace(task, kills=28), output)
    assert (task.notes / "killed").exists()
    assert log.resumes == [4, 6]
    assert [record["step"] for record in log.steps] == list(range(1, 11))
    assert not (output / "_train").exists()

    losses, state = trained_plainly(task)
    assert [record["loss"] for record in log.steps] == pytest.approx(losses, rel=1e-4)
    torch.testing.assert_close(torch.load(output / "checkpoint" / "state.pt", weights_only=True), state, rtol=1e-4, atol=1e-5)


def test_a_loss_that_is_no_number_is_told_at_once_with_the_key(ray_cluster, tmp_path):
    task = Toy(tmp_path, endless=1)
    with pytest.raises(UserError, match=r"^toy.train.learning_rate: got 0.05, with which the loss of step 1 is nan; try a lower"):
        run(task, tmp_path / "out", workers=1)
    assert times(tmp_path, "endless") == 1
