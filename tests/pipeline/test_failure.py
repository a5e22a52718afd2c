"""What a failed stage says: a storage that refuses writes is one line naming the place, whatever library met it."""

import errno
import os

import pytest

from raylm.errors import UserError
from raylm.pipeline import failure
from raylm.pipeline.failure import explain, keep_traceback, writing_to
from raylm.storage import Folder


class WorkerError(Exception):
    """As Ray wraps a worker's error: the text is the worker's traceback, the error itself is `cause`."""

    def __init__(self, cause):
        super().__init__("Traceback (most recent call last):\n  File ...\nOSError: something")
        self.cause = cause


FULL = [
    OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "part-00000.parquet"),
    OSError("[Errno 28] Error writing bytes to file. Detail: [errno 28] No space left on device"),
    RuntimeError("torch: writing failed, No space left on device"),
    WorkerError(OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))),
]


@pytest.mark.parametrize("error", FULL, ids=lambda error: type(error).__name__)
def test_a_full_disk_is_named_with_what_to_do(tmp_path, error):
    line = explain(error, Folder.at(tmp_path))
    assert str(tmp_path) in line
    assert "--set storage=PATH" in line
    assert "full" in line or "quota" in line
    assert "\n" not in line


def test_a_library_that_hides_the_reason_is_seen_through_by_the_free_space(tmp_path, monkeypatch):
    error = RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed")
    assert explain(error, Folder.at(tmp_path)) == f"RuntimeError: {error}"
    monkeypatch.setattr(failure, "_free", lambda place: 4096 if place == str(tmp_path) else 1 << 40)
    assert "the disk is full" in explain(error, Folder.at(tmp_path))


def test_the_disk_that_is_full_is_named_not_the_storage(tmp_path, monkeypatch):
    monkeypatch.setattr(failure.tempfile, "gettempdir", lambda: "/scratch")
    storage = Folder.at("/disk/runs")
    shared = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/dev/shm/torch_123")
    assert explain(shared, storage).startswith("/dev/shm (") and "--shm-size" in explain(shared, storage)
    scratch = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/scratch/tmp1/model.safetensors")
    assert "TMPDIR" in explain(scratch, storage)
    cache = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/home/u/.cache/torch_extensions/x.so")
    assert explain(cache, storage).startswith("/home/u/.cache/torch_extensions") and "storage=" not in explain(cache, storage)
    beside = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/mnt/scratch/x")
    assert explain(beside, storage).startswith("/mnt/scratch")
    unnamed = explain(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), storage)
    assert unnamed.startswith("one of /disk/runs (") and "/dev/shm (" in unnamed and "/scratch (" in unnamed
    free = {"/disk/runs": 9 << 30, "/dev/shm": 1 << 30, "/scratch": 100}
    monkeypatch.setattr(failure, "_free", free.get)
    assert explain(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), storage).startswith("/scratch (")


def test_the_first_error_is_told_not_the_one_that_was_raised_from_it(tmp_path):
    try:
        try:
            raise UserError("rlhf.rewards: one of parses")
        except UserError as error:
            raise RuntimeError("3 of 12 proxies failed") from error
    except RuntimeError as error:
        assert explain(WorkerError(error), Folder.at(tmp_path)) == "rlhf.rewards: one of parses"


def test_of_several_workers_the_one_that_failed_is_told_not_those_that_lost_it(tmp_path):
    group = RuntimeError("worker group failed")
    group.worker_failures = {0: RuntimeError("[gloo/transport/tcp] Connection closed by peer"), 1: KeyError("shard")}
    assert explain(group, Folder.at(tmp_path)) == "KeyError: 'shard'"


def test_rays_copy_of_a_users_error_is_told_by_its_own_line(tmp_path):
    class CopyError(WorkerError, UserError):
        """As Ray makes it: of both types, with the worker's traceback as its text."""

    error = UserError("corpus: no document is left")
    error.__cause__ = KeyError("detail")
    assert explain(CopyError(error), Folder.at(tmp_path)) == "corpus: no document is left"


def test_a_permission_elsewhere_is_not_blamed_on_the_storage(tmp_path):
    theirs = PermissionError(errno.EACCES, "Permission denied", "/somewhere/text")
    ours = PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "artifacts"))
    assert explain(theirs, Folder.at(tmp_path)).startswith("PermissionError")
    assert explain(ours, Folder.at(tmp_path)).startswith(f"{tmp_path} (")


def test_an_error_of_the_users_keeps_its_line_and_other_errors_their_type(tmp_path):
    assert explain(WorkerError(UserError("corpus.sources: none")), Folder.at(tmp_path)) == "corpus.sources: none"
    assert explain(WorkerError(KeyError("part")), Folder.at(tmp_path)) == "KeyError: 'part'"
    assert explain(ValueError(), Folder.at(tmp_path)) == "ValueError: no message"


def test_a_storage_that_cannot_be_written_is_a_line(tmp_path):
    with pytest.raises(UserError, match="read-only"), writing_to(Folder.at(tmp_path)):
        raise OSError(errno.EROFS, "Read-only file system", str(tmp_path / "run.json"))
    (tmp_path / "file").touch()
    place = Folder.at(tmp_path / "file" / "runs")
    with pytest.raises(UserError, match=r"/file/runs: cannot be used as storage .*irectory"), writing_to(place):
        place.create()
    with pytest.raises(ValueError, match="ours"), writing_to(place):
        raise ValueError("ours")


def test_a_traceback_is_kept_where_it_can_be(tmp_path):
    (tmp_path / "blocked").write_text("a file where the folder should be")
    try:
        raise ValueError("broken")
    except ValueError:
        path = keep_traceback(Folder.at(tmp_path), "mix")
        assert keep_traceback(Folder.at(tmp_path / "blocked"), "mix") is None
    assert path is not None
    assert "ValueError: broken" in (tmp_path / "errors" / "mix.txt").read_text()
