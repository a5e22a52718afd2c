"""The whole stage on small folders with everything wrong in them: reasons, counts, duplicates, equal bytes at any worker count."""

import gzip
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from raylm.corpus.build import build
from raylm.corpus.config import CorpusConfig
from raylm.corpus.panels import panels
from raylm.corpus.steps import Steps
from raylm.progress import Meter
from raylm.stage import StageContext
from raylm.storage import Folder

WORDS = [first + second for first in ("ba", "do", "ki", "lu", "me", "ra") for second in ("lan", "mor", "nit", "pel", "sud", "tir")]


def prose(seed, lines=40):
    rng = random.Random(seed)
    return "\n".join(" ".join(rng.choice(WORDS) for _ in range(12)) + "." for _ in range(lines)) + "\n"


def make_folders(root: Path) -> None:
    """Two folders: `first` (which has priority) and `second`."""
    first, second = root / "first", root / "second"
    (first / "deep").mkdir(parents=True)
    second.mkdir()
    for number in range(12):
        (first / "deep" / f"good-{number}.txt").write_text(prose(number))
    (first / "mail.txt").write_text(prose(100) + "Write to ada@example.org or call +1 (415) 555-2671.\n")
    (first / "latin.txt").write_bytes((prose(101) + "Die Straße ist schön.\n").encode("latin-1"))
    (first / "empty.txt").write_bytes(b"")
    (first / "binary.bin").write_bytes(bytes(range(256)) * 20)
    (first / "cut.txt.gz").write_bytes(gzip.compress(random.Random(5).randbytes(4000).hex().encode())[:900])
    (first / "encoding.txt").write_bytes("这是一段中文文字。".encode("gbk") * 30)
    (first / "gone.txt").symlink_to(root / "nowhere")
    (first / "short.txt").write_text("three short words\n")
    (first / "loop").symlink_to(first)
    (second / "exact.txt").write_text(prose(0).replace("\n", "\r\n"))
    (second / "near.txt").write_text(prose(1, 60).replace(prose(1, 60).split("\n")[30], "one other line of words."))
    (second / "near-base.txt").write_text(prose(1, 60))
    (second / "rows.jsonl").write_text("".join(json.dumps({"text": prose(200 + row)}) + "\n" for row in range(20)) + "broken\n")


def config(root: Path, **more) -> CorpusConfig:
    return CorpusConfig.model_validate({"partitions": 3, "sources": [
        {"name": "first", "kind": "folder", "path": str(root / "first")},
        {"name": "second", "kind": "folder", "path": str(root / "second")}], **more})


def made(root: Path, name: str, **more):
    output = Folder.at(root / name)
    outcome = build(StageContext(config(root, **more), 0, {}, output, Meter()))
    assert [path.name for path in (Path(output.uri) / "_steps").iterdir()] == ["publish.json"]
    for name in outcome.scratch:  # as the run does, once the artifact is published
        output.child(name).clear()
    return output, outcome


def digest(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus")
    make_folders(path)
    return path


@pytest.fixture(scope="module")
def result(root, ray_cluster):
    """The artifact, and beside it as `uncleaned` what a kill leaves that comes before the first deletion."""
    clear = Steps.clear

    def keep_and_clear(steps, last):
        shutil.copytree(steps.output.uri, root / "uncleaned")
        clear(steps, last)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Steps, "clear", keep_and_clear)
        return made(root, "artifact")


def test_bad_files_cost_themselves_and_are_counted(result):
    _, outcome = result
    assert outcome.metrics["reasons"] == {
        "read": {"binary": 1, "empty file": 1, "not JSON": 1, "truncated gzip": 1, "unknown encoding": 1,
                 "unreadable: no such file": 1},
        "rules": {"too short": 1},
        "exact": {"exact duplicate": 1},
        "near": {"near duplicate": 1},
    }
    assert outcome.counts_in["documents"] == 20 + 24 and outcome.counts_out["documents"] == 14 + 21


def test_every_document_is_kept_once_or_removed_once(result):
    output, outcome = result
    folder = Path(output.uri)
    kept = [pq.read_table(folder / "documents" / name).to_pylist() for name in output.child("documents").names()]
    removed = [pq.read_table(folder / "removed" / name).to_pylist() for name in output.child("removed").names()]
    assert len(kept) == len(removed) == 3 and not (folder / "_steps").exists()
    assert all(rows == sorted(rows, key=lambda row: row["id"]) for rows in kept + removed)
    documents = {row["id"]: row for rows in kept for row in rows}
    gone = {row["id"]: row for rows in removed for row in rows}
    assert len(documents) == 35 and len(gone) == 9 and not documents.keys() & gone.keys()
    assert all(row["bytes"] == len(row["text"].encode()) for row in documents.values())
    assert all(row["path"].startswith(("first/", "second/")) for row in documents.values())
    texts = {row["path"]: row["text"] for row in documents.values()}
    assert "Write to [EMAIL_ADDRESS] or call [PHONE_NUMBER]." in texts["first/mail.txt"]
    assert texts["first/latin.txt"].endswith("Die Straße ist schön.\n")
    duplicates = {row["path"]: documents[row["duplicate_of"]]["path"] for row in gone.values() if row["duplicate_of"]}
    assert duplicates.pop("second/exact.txt") == "first/deep/good-0.txt"
    assert set(duplicates) | set(duplicates.values()) == {"second/near.txt", "second/near-base.txt"}
    metrics = outcome.metrics["documents"]
    assert metrics == {"first": 14, "second": 21}


def test_funnel_adds_up_and_panels_draw_it(result):
    _, outcome = result
    rows = outcome.metrics["funnel"]
    for source in ("first", "second"):
        mine = [row for row in rows if row["source"] == source]
        assert [row["step"] for row in mine] == ["read", "clean", "rules", "exact", "near"]
        for before, after in pairwise(mine):
            assert before["documents_out"] == after["documents_in"] and before["bytes_out"] == after["bytes_in"]
        assert mine[-1]["bytes_out"] == outcome.metrics["bytes"][source]
    assert outcome.metrics["masked"]["first"] == {"email": 1, "ip": 0, "phone": 1}
    assert outcome.metrics["samples"]["binary"] == ["first/binary.bin"]
    assert {row["members"] for row in outcome.metrics["clusters"]} == {1}
    json.dumps(outcome.metrics)
    drawn = panels({"metrics": outcome.metrics}, {})
    assert [panel.title.partition(":")[0] for panel in drawn] == ["Corpus"] * 4


@pytest.mark.slow
def test_rounds_of_shuffles_give_the_artifact_of_one_task(root, result):
    output, outcome = made(root, "rounds", dedup={"edges_in_one_task": 0})
    assert outcome.metrics == result[1].metrics
    assert digest(Path(output.uri)) == digest(Path(result[0].uri))


def test_killed_build_goes_on_at_the_step(root, result, monkeypatch):
    import raylm.corpus.build as module

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "find_duplicates", killed)
        with pytest.raises(KeyboardInterrupt):
            made(root, "killed")
    (root / "killed" / "_steps" / "edges").mkdir()
    (root / "killed" / "_steps" / "edges" / "part-00000.parquet").write_bytes(b"half a file")

    def read_again(*_):
        raise AssertionError("the finished step ran again")

    monkeypatch.setattr(module, "ingest", read_again)
    output, outcome = made(root, "killed")
    assert outcome.metrics == result[1].metrics
    assert digest(Path(output.uri)) == digest(Path(result[0].uri))


def keep_only(*names):
    def lose(output):
        for path in (output / "_steps").iterdir():
            if path.name not in names:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    return lose


def lose_one_part_of_each(output):
    for folder in ("_steps/read", "documents"):
        (output / folder / "part-00001.parquet").unlink()


@pytest.mark.parametrize("lose", [keep_only("read.json"), lose_one_part_of_each])
def test_build_killed_while_it_cleans_up_loses_no_document(root, result, lose):
    shutil.rmtree(root / "half", ignore_errors=True)
    shutil.copytree(root / "uncleaned", root / "half")
    lose(root / "half")
    output, outcome = made(root, "half")
    assert outcome.metrics == result[1].metrics
    assert digest(Path(output.uri)) == digest(Path(result[0].uri))


def test_build_killed_while_it_cleans_up_reads_nothing_again(root, result, monkeypatch):
    monkeypatch.setattr("raylm.corpus.build.list_files", None)
    shutil.copytree(root / "uncleaned", root / "nearly")
    keep_only("publish.json")(root / "nearly")
    output, outcome = made(root, "nearly")
    assert outcome.metrics == result[1].metrics and outcome.cost["step_seconds"].keys() == {"read", "duplicates", "write"}
    assert digest(Path(output.uri)) == digest(Path(result[0].uri))


def test_more_text_is_cut_into_more_partitions(tmp_path, result, monkeypatch):
    monkeypatch.setattr("raylm.corpus.config._PARTITION_BYTES", 2_000)
    for number in range(12):
        (tmp_path / "mine").mkdir(exist_ok=True)
        (tmp_path / "mine" / f"{number}.txt").write_text(prose(number // 2, 20))
    sources = [{"name": "mine", "kind": "folder", "path": str(tmp_path / "mine")}]
    output = Folder.at(tmp_path / "artifact")
    outcome = build(StageContext(CorpusConfig.model_validate({"sources": sources}), 0, {}, output, Meter()))
    assert outcome.metrics["reasons"] == {"exact": {"exact duplicate": 6}} and outcome.counts_out["documents"] == 6
    size = sum(path.stat().st_size for path in (tmp_path / "mine").iterdir())
    assert len(output.child("documents").names()) == -(-size // 2_000) > 8


_SCRIPT = """
import sys, ray
from pathlib import Path
sys.path[:0] = [{here!r}]
from test_build import made
ray.init(address="local", num_cpus={cpus}, include_dashboard=False, object_store_memory=200_000_000, log_to_driver=False)
made(Path({root!r}), "cpus-{cpus}", read_block_bytes={block}, batch_documents={batch})
"""


@pytest.mark.slow
def test_one_and_two_workers_give_the_same_bytes(tmp_path):
    make_folders(tmp_path)
    for cpus, block, batch in ((1, 2_000_000, 256), (2, 4_000, 3)):
        script = _SCRIPT.format(here=str(Path(__file__).parent), cpus=cpus, root=str(tmp_path), block=block, batch=batch)
        token = tmp_path / "token"
        token.write_text("t" * 64)
        subprocess.run([sys.executable, "-c", script], check=True, timeout=900,
                       env={**os.environ, "RAY_AUTH_TOKEN_PATH": str(token), "PYTHONHASHSEED": str(cpus)})
    one, two = digest(tmp_path / "cpus-1"), digest(tmp_path / "cpus-2")
    assert one == two and len(one) == 6
