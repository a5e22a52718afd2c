"""A file that is gone costs itself; a folder that a node does not have is an error, so no corpus depends on where its tasks ran."""

import platform
import shutil

import pytest

from raylm.corpus.config import CorpusConfig
from raylm.corpus.listing import list_files
from raylm.corpus.reach import check_root, this_node
from raylm.corpus.read.build import ReadFiles, _shuffle
from raylm.corpus.read.files import file_blocks
from raylm.errors import UserError
from raylm.progress import Meter
from raylm.storage import Folder


@pytest.fixture
def mine(tmp_path):
    """A folder of two files, and the recipe that reads it."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in "ab":
        (folder / f"{name}.txt").write_text(f"this is the text of {name}\n")
    return folder, CorpusConfig.model_validate({"sources": [{"name": "mine", "kind": "folder", "path": str(folder)}]})


def read(config, files, listed_on):
    reader = ReadFiles(config, 8, [], Meter(), listed_on)
    return {row["path"]: row["unread"] for block in file_blocks(files, 1) for table in reader(block) for row in table.to_pylist()}


def test_files_that_vanished_cost_themselves(mine):
    folder, config = mine
    files = list_files(config)
    (folder / "a.txt").unlink()
    gone = "unreadable: no such file"
    assert read(config, files, "another-node") == {"mine/a.txt": gone, "mine/b.txt": None}
    (folder / "b.txt").unlink()
    assert read(config, files, this_node()) == {"mine/a.txt": gone, "mine/b.txt": gone}


def test_a_folder_that_a_node_lacks_fails_the_step_with_one_line(mine, ray_cluster, tmp_path):
    folder, config = mine
    files = file_blocks(list_files(config), 1)
    shutil.rmtree(folder)
    with pytest.raises(UserError) as caught:
        _shuffle(files, ReadFiles(config, 8, [], Meter(), this_node()), 8, Folder.at(tmp_path / "read"))
    line = f"corpus source 'mine': {folder} cannot be read on node {platform.node()} (No such file or directory); " \
           "put the text where all nodes reach it, and leave it there"
    assert str(caught.value) == line and type(caught.value) is UserError


def test_a_folder_that_is_empty_on_another_node_is_not_mounted_there(mine):
    folder, config = mine
    shutil.rmtree(folder)
    folder.mkdir()
    check_root(config.sources[0], str(folder), this_node())
    with pytest.raises(UserError, match=r"it is empty there.*where all nodes reach it"):
        check_root(config.sources[0], str(folder), "another-node")


def test_a_store_is_the_same_place_on_every_node(mine):
    check_root(mine[1].sources[0], "s3://bucket/prefix", "another-node")
    check_root(mine[1].sources[0], "https://host", "another-node")
