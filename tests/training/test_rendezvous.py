"""The ranks of a role meet where only they can come, and go on only from a state that is there."""

import os
import socket
import tempfile
from pathlib import Path

import pytest
from listening import sockets
from pyarrow import fs

from raylm.posttrain.rlhf.roles import STATE_TAG, Trained
from raylm.storage import Folder
from raylm.training.rendezvous import LOOPBACK, store


def test_the_store_of_a_process_group_listens_on_its_own_address_alone():
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = probe.getsockname()[1]
    first = store((LOOPBACK, port), 0, 2)
    second = store((LOOPBACK, port), 1, 2)
    second.set("greeting", "hello")
    assert first.get("greeting") == b"hello"
    assert [host for host, at in sockets(os.getpid()) if at == port] == [LOOPBACK]


class Loader:
    """What a DeepSpeed engine does with a folder of state, as far as `restore` is concerned."""

    def __init__(self):
        self.read, self.folder = [], None

    def load_checkpoint(self, folder, tag):
        self.folder = folder
        path = Path(folder) / tag / "state.pt"
        if not path.exists():
            return None, {}
        self.read.append(path.read_text())
        return str(path), {}


@pytest.fixture
def trained():
    """A role whose engine only loads."""
    role = Trained.__new__(Trained)
    role.engine = Loader()
    return role


def test_a_state_that_changed_is_read_anew_from_a_private_copy_that_does_not_stay(tmp_path, monkeypatch, trained):
    """DeepSpeed unpickles what it loads, so it is never given a cache whose name others could guess."""
    monkeypatch.setattr(Folder, "_resolve", lambda folder: (fs.LocalFileSystem(), folder.uri.replace("s3://b", str(tmp_path))))
    (tmp_path / "actor" / STATE_TAG).mkdir(parents=True)
    for content in ("iteration 2", "iteration 2 again, after a crash"):
        (tmp_path / "actor" / STATE_TAG / "state.pt").write_text(content)
        trained.restore(Folder.at("s3://b/actor"))
        assert not Path(trained.engine.folder).exists()
        assert "raylm-cache" not in trained.engine.folder and trained.engine.folder.startswith(tempfile.gettempdir())
    assert trained.engine.read == ["iteration 2", "iteration 2 again, after a crash"]


def test_going_on_from_a_state_that_is_not_there_is_an_error_and_not_a_fresh_start(tmp_path, trained):
    with pytest.raises(RuntimeError, match="no state"):
        trained.restore(Folder.at(tmp_path))
