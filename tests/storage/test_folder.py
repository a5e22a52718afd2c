"""What a place may be called, and what stands between a remote folder and the code that loads from its copy."""

import os
import stat
import tempfile
from pathlib import Path

import pytest
from pyarrow import fs

from raylm.errors import UserError
from raylm.storage import Folder


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    """A local folder that every `s3://bucket` address leads to, and a temporary folder of this test's own."""
    remote, temporary = tmp_path / "remote", tmp_path / "tmp"
    remote.mkdir()
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    def resolve(folder):
        return fs.LocalFileSystem(), folder.uri.replace("s3://bucket", str(remote))

    monkeypatch.setattr(Folder, "_resolve", resolve)
    return remote


def cache_root() -> Path:
    return Path(tempfile.gettempdir()) / f"raylm-cache-{os.getuid()}"


@pytest.mark.parametrize("address", [
    "s3://AKIAKEY:hunter2@bucket/prefix", "s3://AKIAKEY:hun/ter2@bucket/prefix", "s3://hunter2@bucket", "S3://a:hunter2@b",
    "s3://AKIAKEY:1/hunter2@bucket",
    "gs://a:hunter2@bucket/x", "abfs://container:hunter2@account.dfs.core.windows.net/x", "abfss://:hunter2@account.x/y",
    "s3://bucket/prefix?secret_key=hunter2", "nowhere://AKIAKEY:hunter2@x", "file://me:hunter2@localhost/x"])
def test_an_address_with_a_secret_is_refused_in_one_line_that_does_not_repeat_it(address):
    with pytest.raises(UserError) as refusal:
        Folder.at(address)
    said = str(refusal.value)
    assert "\n" not in said and "hunter2" not in said and "ter2" not in said and "AKIAKEY" not in said
    assert "environment" in said or "documents" in said


@pytest.mark.parametrize("address", [
    "s3://bucket/prefix", "gs://anonymous@bucket/x", "abfs://container@account.dfs.core.windows.net/x", "hdfs://host:8020/a@b",
    "hdfs://[::1]:8020/x"])
def test_an_address_without_a_secret_stays_as_it_is(address):
    assert Folder.at(address + "/").uri == address and not Folder.at(address).is_local


def test_nothing_may_follow_the_path_since_names_are_hung_on_it():
    for address in ("s3://bucket/prefix?region=eu-central-1", "s3://bucket/a#b", "file:///tmp/a?b"):
        with pytest.raises(UserError, match="ends with its path"):
            Folder.at(address)


def test_a_file_uri_is_a_path(tmp_path):
    place = tmp_path / "a b%c"
    folder = Folder.at(place.as_uri())
    assert folder == Folder.at(place) and folder.is_local
    assert Folder.at(f"file://localhost{tmp_path}/x/") == Folder.at(tmp_path / "x")
    folder.write_bytes("x", b"1")
    assert (place / "x").read_bytes() == b"1" and [file.name for file in place.iterdir()] == ["x"]


def test_a_file_uri_of_another_machine_is_a_users_mistake():
    with pytest.raises(UserError, match="'elsewhere'"):
        Folder.at("file://elsewhere/data")


def test_a_remote_folder_is_copied_once_into_a_cache_that_is_ours_alone(bucket):
    (bucket / "a" / "deep").mkdir(parents=True)
    (bucket / "a" / "deep" / "x").write_text("first")
    local = Folder.at("s3://bucket/a").local()
    assert (local / "deep" / "x").read_text() == "first"
    assert local.parent == cache_root() and stat.S_IMODE(cache_root().stat().st_mode) == 0o700
    assert Folder.at("s3://bucket/a").local() == local
    assert Folder.at("s3://bucket/a/../a").local().parent == cache_root()  # no name leads out of the cache
    assert not [*cache_root().glob(".*")]


def test_a_copy_that_failed_leaves_nothing_that_passes_for_one(bucket):
    for _ in range(2):
        with pytest.raises(OSError):
            Folder.at("s3://bucket/missing").local()
    assert not [*cache_root().iterdir()]


@pytest.mark.parametrize("trap", ["open to others", "a link", "a file", "another user's"])
def test_a_cache_that_somebody_else_could_have_filled_is_refused(bucket, trap, monkeypatch, tmp_path):
    (bucket / "a").mkdir()
    root = cache_root()
    if trap == "open to others":
        root.mkdir()
        root.chmod(0o755)
    elif trap == "a link":
        (tmp_path / "theirs").mkdir(mode=0o700)
        root.symlink_to(tmp_path / "theirs")
    elif trap == "a file":
        root.touch(0o600)
    else:
        someone = os.getuid() + 1
        monkeypatch.setattr(os, "getuid", lambda: someone)
        cache_root().mkdir(mode=0o700)
    with pytest.raises(UserError, match="mode 700") as refusal:
        Folder.at("s3://bucket/a").local()
    assert "\n" not in str(refusal.value)


def test_a_folder_that_changes_is_read_as_it_is_now_and_its_copy_goes_with_the_block(bucket, tmp_path):
    (bucket / "state").mkdir()
    folder, seen = Folder.at("s3://bucket/state"), []
    for content in ("old", "new"):
        (bucket / "state" / "x").write_text(content)
        with folder.as_it_is_now() as local:
            assert stat.S_IMODE(local.stat().st_mode) == 0o700
            seen.append((local / "x").read_text())
        assert not local.exists()
    assert seen == ["old", "new"] and not cache_root().exists()
    with Folder.at(tmp_path).as_it_is_now() as local:
        assert local == tmp_path
    assert tmp_path.exists()
