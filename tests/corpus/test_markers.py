"""A step is done once, and again only if what it left is no longer whole; then all that was made of it is made anew too."""

import shutil
from pathlib import Path

import pytest

from raylm.corpus.markers import Markers
from raylm.storage import Folder

NAMES = ("read", "edges", "duplicates")


def build(output, made):
    """Three steps, each of the one before it; `made` notes which were not taken from a marker."""
    steps = Markers(Folder.at(output))

    def step(name):
        def make(folder):
            made.append(name)
            for part in (0, 2):  # nothing fell into part 1
                folder.write_bytes(f"part-{part:05d}.parquet", name.encode())
            return [{"rows": 2}, {"rows": 1}]

        return steps.run(name, make)

    results = [step(name) for name in NAMES]

    def publish(_):
        made.append("publish")
        steps.output.child("documents").write_bytes("part-00000.parquet", b"text")
        return [{"results": results}]

    return steps, steps.run("publish", publish, fills=("documents",))


def lose_folder(name):
    return lambda output: shutil.rmtree(output / "_steps" / name)


def lose_file(name):
    return lambda output: (output / name).unlink()


LOSSES = [
    (lose_folder("read"), [*NAMES, "publish"]),
    (lose_file("_steps/read/part-00002.parquet"), [*NAMES, "publish"]),
    (lose_file("_steps/read.json"), [*NAMES, "publish"]),
    (lose_folder("edges"), ["edges", "duplicates", "publish"]),
    (lose_file("_steps/duplicates/part-00000.parquet"), ["duplicates", "publish"]),
    (lose_file("_steps/publish.json"), ["publish"]),
    (lose_file("documents/part-00000.parquet"), ["publish"]),
    (lambda output: (output / "_steps" / "edges.json").write_text("[]"), ["edges", "duplicates", "publish"]),
    (lambda output: None, []),
]


@pytest.mark.parametrize(("lose", "again"), LOSSES)
def test_what_is_lost_is_made_again_with_all_that_was_made_of_it(tmp_path, lose, again):
    _, first = build(tmp_path, [])
    lose(tmp_path)
    made = []
    assert build(tmp_path, made)[1] == first == [{"results": [[{"rows": 1}, {"rows": 2}]] * 3}]
    assert made == again
    assert {path.name for path in (tmp_path / "_steps").iterdir()} == {*NAMES, *(f"{name}.json" for name in (*NAMES, "publish"))}


def test_a_kill_while_a_lost_step_is_made_again_leaves_no_older_result_behind(tmp_path):
    build(tmp_path, [])
    lose_folder("read")(tmp_path)

    def killed(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Markers(Folder.at(tmp_path)).run("read", killed)
    made = []
    build(tmp_path, made)
    assert made == [*NAMES, "publish"]


class Killed(BaseException):
    """As a kill ends a process: nothing after it happens."""


@pytest.mark.parametrize("deletions", range(6))
def test_a_kill_while_steps_are_deleted_costs_no_step_again(tmp_path, monkeypatch, deletions):
    steps, first = build(tmp_path, [])
    left = deletions

    def counted(function):
        def delete(*arguments):
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            function(*arguments)
        return delete

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "remove", counted(Folder.remove))
        patch.setattr(Folder, "clear", counted(Folder.clear))
        with pytest.raises(Killed):
            steps.clear("publish")
    standing = {path.stem for path in (tmp_path / "_steps").glob("*.json")}
    assert all((tmp_path / "_steps" / name).is_dir() for name in standing & set(NAMES))
    assert Markers(Folder.at(tmp_path)).kept("publish") == first
    steps.clear("publish")
    assert {path.name for path in Path(tmp_path).iterdir()} == {"documents", "_steps"}
    assert [path.name for path in (tmp_path / "_steps").iterdir()] == ["publish.json"]
