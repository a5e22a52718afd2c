"""Where a stopped run goes on: at the newest checkpoint that is whole, and only as it began."""

import json
import shutil
from pathlib import Path

import pytest

from raylm.errors import UserError
from raylm.progress import Board, Meter
from raylm.storage import Folder
from raylm.training.checkpoints import check, clear_but, newest, write_part
from raylm.training.config import TrainConfig
from raylm.training.launch import train
from raylm.training.task import Task

TWO = TrainConfig(workers=2)


def saved(place: Path, name: str, step: int) -> Path:
    """A checkpoint as two workers' folders are merged into it."""
    for rank in range(2):
        own = place / "aside" / str(rank)
        (own / "engine").mkdir(parents=True)
        (own / "engine" / f"shard-{rank}.pt").write_bytes(b"weights" * 100)
        (own / "engine" / "common.pt").write_bytes(b"shared")
        write_part(own, rank, step, TWO)
        shutil.copytree(own, place / "_train" / name, dirs_exist_ok=True)
    shutil.rmtree(place / "aside")
    return place / "_train" / name


def test_the_latest_step_is_newest_whatever_the_clock_said(tmp_path):
    saved(tmp_path, "checkpoint_b", 20)
    saved(tmp_path, "checkpoint_a", 40)
    found = newest(Folder.at(tmp_path / "_train"))
    assert found is not None
    assert (found.step, found.folder.uri) == (40, str(tmp_path / "_train" / "checkpoint_a"))
    assert found.fixed == {"workers": 2, "zero_stage": 3}
    assert newest(Folder.at(tmp_path / "nothing")) is None


DAMAGES = {
    "a file is missing": lambda folder: (folder / "engine" / "shard-1.pt").unlink(),
    "a file is short": lambda folder: (folder / "engine" / "shard-0.pt").write_bytes(b"weigh"),
    "a worker's list is missing": lambda folder: (folder / "part-00001.json").unlink(),
    "the first list is missing": lambda folder: (folder / "part-00000.json").unlink(),
    "a list is short": lambda folder: (folder / "part-00001.json").write_bytes((folder / "part-00001.json").read_bytes()[:20]),
    "a list is empty": lambda folder: (folder / "part-00000.json").write_bytes(b""),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_partial_checkpoint_is_passed_over_for_the_whole_one_before(tmp_path, damage):
    saved(tmp_path, "checkpoint_1", 20)
    damage(saved(tmp_path, "checkpoint_2", 40))
    found = newest(Folder.at(tmp_path / "_train"))
    assert found is not None
    assert found.step == 20


def test_all_but_the_one_to_go_on_from_is_deleted(tmp_path):
    for number in range(3):
        saved(tmp_path, f"checkpoint_{number}", number)
    (tmp_path / "_train" / "checkpoint_manager_snapshot.json").write_text("")
    place = Folder.at(tmp_path / "_train")
    clear_but(place, newest(place))
    assert [file.name for file in (tmp_path / "_train").iterdir()] == ["checkpoint_2"]
    clear_but(place, None)
    assert list((tmp_path / "_train").iterdir()) == []


def test_other_values_that_only_change_speed_may_change(tmp_path):
    saved(tmp_path, "checkpoint_1", 20)
    found = newest(Folder.at(tmp_path / "_train"))
    check(found, TrainConfig(workers=2, micro_batch=1, checkpoint_every=7), "sft.train")  # raises nothing
    assert found.step == 20


@pytest.mark.parametrize(("change", "named"), [
    ({"workers": 4}, "sft.train.workers: got 4, allowed: 2"), ({"zero_stage": 1}, "sft.train.zero_stage: got 1, allowed: 3")])
def test_other_workers_or_zero_stage_are_refused_before_anything_starts(tmp_path, change, named):
    folder = saved(tmp_path, "checkpoint_1", 20)
    board = Board()
    with pytest.raises(UserError) as refused:  # no Ray runs here: it would fail otherwise
        train(Task, TrainConfig(**{"workers": 2, **change}), Folder.at(tmp_path), seed=0, meter=Meter(board), title="sft",
              keys="sft.train")
    assert str(refused.value) == (f"{named}, with which this unfinished run began "
                                  f"(or delete {tmp_path / '_train'} to begin anew)")
    assert json.loads((folder / "part-00000.json").read_text())["step"] == 20, "nothing was deleted"
