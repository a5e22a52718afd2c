"""Artifacts appear whole or not at all, and equal inputs have equal addresses."""

import pickle

import pytest

from raylm.errors import UserError
from raylm.storage import Artifact, Folder, address


def test_addresses_depend_on_values_and_not_on_key_order():
    assert address({"a": 1, "b": [2, 3]}) == address({"b": [2, 3], "a": 1})
    assert address({"a": 1}) != address({"a": 2})
    assert len(address({})) == 16


def test_a_folder_is_an_artifact_only_once_its_manifest_is_there(tmp_path):
    artifact = Artifact("corpus", "0" * 16, Folder.at(tmp_path / "corpus-0"))
    artifact.folder.create().write_bytes("documents.parquet", b"half")
    assert not artifact.published
    artifact.publish({"metrics": {"x": 1}}, {"seconds": 2.5})
    assert artifact.published
    assert artifact.metrics == {"x": 1}
    assert artifact.cost == {"seconds": 2.5}


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path):
    folder = Folder.at(tmp_path)
    folder.write_json("m.json", {"a": 1})
    with pytest.raises(TypeError):
        folder.write_json("m.json", {"a": object()})
    with pytest.raises(TypeError):
        folder.write_bytes("m.json", "not bytes")  # type: ignore[arg-type]
    assert folder.read_json("m.json") == {"a": 1}
    assert folder.names() == ["m.json"]


def test_folders_travel_and_list(tmp_path):
    folder = pickle.loads(pickle.dumps(Folder.at(tmp_path).child("a", "b")))
    assert folder.names() == []
    folder.create().write_bytes("x.npy", b"1")
    folder.write_bytes("y.txt", b"2")
    assert folder.names(".npy") == ["x.npy"]
    assert Folder.at(tmp_path).child("a").folders() == ["b"]
    folder.clear()
    folder.clear()
    assert not folder.exists()


def test_unknown_schemes_are_a_users_mistake():
    with pytest.raises(UserError, match="nowhere://x"):
        Folder.at("nowhere://x").exists("a")
