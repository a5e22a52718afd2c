"""The checkpoints that a stopped run left: which of them is whole, and whether this run may go on from it.

Ray Train has a record of its own, but writes it in place: a kill or a full disk at that moment leaves half of it, and no later
start gets past that. So every worker lists what it saved, the newest folder that holds all of it is where training goes on, and
Ray Train's record is thrown away before each start.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pyarrow import fs

from raylm.errors import UserError
from raylm.storage import Folder
from raylm.training.config import TrainConfig

FIXED = ("workers", "zero_stage")
"""Keys that may not change halfway: DeepSpeed's files are one worker's share each, cut as the ZeRO stage says."""


@dataclass(frozen=True)
class Part:
    """What one worker saved of a checkpoint."""

    step: int
    fixed: dict[str, int]
    """The values of `FIXED`."""
    files: dict[str, int]
    """Bytes of each file, by path within the checkpoint."""


@dataclass(frozen=True)
class Saved:
    """A whole checkpoint."""

    folder: Folder
    step: int
    fixed: dict[str, int]
    """The values of `FIXED` that it was made with."""


def write_part(folder: Path, rank: int, step: int, config: TrainConfig) -> None:
    """List what is in a local folder, as this worker's part of a checkpoint. Nothing may be added after it."""
    files = {str(file.relative_to(folder)): file.stat().st_size for file in folder.rglob("*") if file.is_file()}
    part = Part(step, {name: getattr(config, name) for name in FIXED}, files)
    (folder / _name(rank)).write_text(json.dumps(asdict(part)))


def newest(place: Folder) -> Saved | None:
    """Return the whole checkpoint of the latest step below `place`; None if there is none."""
    found = [saved for name in place.folders() if (saved := _whole(place.child(name))) is not None]
    return max(found, key=lambda saved: (saved.step, saved.folder.uri), default=None)


def check(saved: Saved, config: TrainConfig, keys: str) -> None:
    """Refuse to go on with another number of workers or ZeRO stage than before.

    Args:
        saved: where the run would go on.
        config: what it is asked to go on with.
        keys: where `config` stands in the recipe (`pretrain.train`).

    Raises:
        UserError: names the key, both values, and what can be done.
    """
    for name, before in saved.fixed.items():
        now = getattr(config, name)
        if now != before:
            raise UserError(f"{keys}.{name}: got {now}, allowed: {before}, with which this unfinished run began "
                            f"(or delete {saved.folder.uri.rpartition('/')[0]} to begin anew)")


def clear_but(place: Folder, kept: Saved | None) -> None:
    """Delete all below `place` but one checkpoint: Ray Train's record, which may be half written, older and partial ones."""
    for name in place.names():
        place.remove(name)
    for name in place.folders():
        if kept is None or place.child(name) != kept.folder:
            place.child(name).clear()


def _name(rank: int) -> str:
    return f"part-{rank:05d}.json"


def _whole(folder: Folder) -> Saved | None:
    first = _read(folder, 0)
    parts = [_read(folder, rank) for rank in range(first.fixed["workers"])] if first else []
    if first is None or None in parts:
        return None
    infos = folder.filesystem.get_file_info(fs.FileSelector(folder.path, recursive=True))
    sizes = {info.path.removeprefix(f"{folder.path}/"): info.size for info in infos if info.type == fs.FileType.File}
    wanted: dict[str, set[int]] = {}
    for part in parts:
        for name, size in (part.files if part else {}).items():
            wanted.setdefault(name, set()).add(size)  # what several machines save under one name is one file in the end
    if any(sizes.get(name) not in allowed for name, allowed in wanted.items()):
        return None
    return Saved(folder, first.step, first.fixed)


def _read(folder: Folder, rank: int) -> Part | None:
    try:
        content: dict[str, Any] = folder.read_json(_name(rank))
    except (FileNotFoundError, ValueError):  # not there, or not whole
        return None
    return Part(**content)
