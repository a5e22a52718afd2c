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
from making import make

from raylm.corpus.config import CorpusConfig
from raylm.corpus.listing import list_files
from raylm.corpus.markers import Markers
from raylm.corpus.read import build
from raylm.pipeline.stages import BY_NAME

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
    artifacts, outcome = make(config(root, **more), root / name)
    return artifacts["corpus"].folder, outcome


def digest(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "cost.json"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus")
    make_folders(path)
    return path


@pytest.fixture(scope="module")
def result(root, ray_cluster):
    """The artifacts, and beside them as `uncleaned` what a kill leaves that comes before the first deletion."""
    clear = Markers.clear

    def keep_and_clear(markers, last):
        stage = Path(markers.output.uri).name
        shutil.copytree(markers.output.uri, root / "uncleaned" / stage)
        clear(markers, last)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Markers, "clear", keep_and_clear)
        return made(root, "artifact")


def test_bad_files_cost_themselves_and_are_counted(result):
    _, outcome = result
    assert outcome.metrics["reasons"] == {
        "read": {"binary": 1, "empty file": 1, "not JSON": 1, "truncated gzip": 1, "unreadable: no such file": 1},
        "length": {"too short": 1},
        "exact": {"exact duplicate": 1},
        "near": {"near duplicate": 1},
    }
    assert outcome.counts_in["documents"] == 20 + 24 and outcome.counts_out["documents"] == 15 + 21


def test_every_document_is_kept_once_or_removed_once(result):
    output, outcome = result
    folder = Path(output.uri)
    kept = [pq.read_table(folder / "documents" / name).to_pylist() for name in output.child("documents").names()]
    removed = [pq.read_table(folder / "removed" / name).to_pylist() for name in output.child("removed").names()]
    assert len(kept) == len(removed) == 3 and not (folder / "_steps").exists()
    assert all(rows == sorted(rows, key=lambda row: row["id"]) for rows in kept + removed)
    documents = {row["id"]: row for rows in kept for row in rows}
    gone = {row["id"]: row for rows in removed for row in rows}
    assert len(documents) == 36 and len(gone) == 8 and not documents.keys() & gone.keys()
    assert all(row["bytes"] == len(row["text"].encode()) for row in documents.values())
    assert all(row["path"].startswith(("first/", "second/")) for row in documents.values())
    texts = {row["path"]: row["text"] for row in documents.values()}
    assert "Write to [EMAIL_ADDRESS] or call [PHONE_NUMBER]." in texts["first/mail.txt"]
    assert texts["first/latin.txt"].endswith("Die Straße ist schön.\n")
    assert texts["first/encoding.txt"].startswith("这是一段中文文字。")
    duplicates = {row["path"]: documents[row["duplicate_of"]]["path"] for row in gone.values() if row["duplicate_of"]}
    assert duplicates.pop("second/exact.txt") == "first/deep/good-0.txt"
    assert set(duplicates) | set(duplicates.values()) == {"second/near.txt", "second/near-base.txt"}
    near = next(row for row in gone.values() if row["step"] == "near")
    assert 0.8 < near["similarity"] < 1 and near["cluster_size"] == 2
    assert outcome.metrics["documents"] == {"first": 15, "second": 21}


def test_funnel_adds_up_and_panels_draw_it(result):
    _, outcome = result
    rows = outcome.metrics["funnel"]
    steps = ["read", "clean", "length", "comments", "lines", "characters", "repetition", "generated", "exact", "near"]
    for source in ("first", "second"):
        mine = [row for row in rows if row["source"] == source]
        assert [row["step"] for row in mine] == steps
        for before, after in pairwise(mine):
            assert before["documents_out"] == after["documents_in"] and before["bytes_out"] == after["bytes_in"]
        assert mine[-1]["bytes_out"] == outcome.metrics["bytes"][source]
    masked = outcome.metrics["masked"]["first"]
    assert masked["email"] == masked["phone"] == 1 and sum(masked.values()) == 2
    shown = {row["reason"]: row for row in outcome.metrics["samples"]}
    assert shown["binary"]["path"] == "first/binary.bin" and shown["too short"]["text"] == "three short words\n"
    clusters = [row for found in outcome.metrics["details"].values() for row in found.get("clusters", [])]
    assert sorted((row["members"], row["source"]) for row in clusters) == [(1, "first"), (1, "second")]
    json.dumps(outcome.metrics)
    drawn = BY_NAME["corpus"].panels({"metrics": outcome.metrics}, {})
    assert [panel.title.partition(":")[0] for panel in drawn] == ["Corpus"] * len(drawn) and len(drawn) == 7


def test_another_threshold_measures_and_scores_nothing_again(root, result):
    shutil.copytree(root / "artifact" / "read", root / "thresholds" / "read")
    shutil.copytree(root / "artifact" / "score", root / "thresholds" / "score")
    steps = [{"do": "length", "min_words": 4}, {"do": "exact"}, {"do": "near", "threshold": 0.99}]
    changed = config(root, steps=steps)
    assert changed.identity_for("read") != config(root).identity_for("read")  # fewer measures are asked for, and
    again = config(root, steps=[*steps, *({"do": name} for name in ("comments", "lines", "characters", "repetition", "generated"))])
    assert again.identity_for("read") == config(root).identity_for("read")  # with the same ones nothing is read again
    _, outcome = make(again, root / "thresholds", ("corpus",))
    assert outcome.counts_out["documents"] == 37 and "near" not in outcome.metrics["reasons"]


def test_trials_say_what_another_threshold_keeps(root, result):
    trials = {(trial["rule"], trial["key"]): trial for trial in result[1].metrics["details"]["00-rules"]["trials"]}
    trial = trials["length", "min_words"]
    assert trial["broken"] == 1 and trial["off"][0] == trial["kept"]["1.0"][0] + 1 and trial["kept"]["0.5"] == trial["kept"]["1.0"]
    assert sum(trial["histogram"].values()) == 39


@pytest.mark.slow
def test_rounds_of_shuffles_give_the_artifact_of_one_task(root, result):
    steps = [{"do": name} for name in ("length", "comments", "lines", "characters", "repetition", "generated")]
    steps += [{"do": "exact", "rows_in_one_task": 0}, {"do": "near", "edges_in_one_task": 0, "rows_in_one_task": 0}]
    shutil.copytree(root / "artifact" / "read", root / "rounds" / "read")
    shutil.copytree(root / "artifact" / "score", root / "rounds" / "score")
    _, outcome = make(config(root, steps=steps), root / "rounds", ("corpus",))
    assert outcome.metrics == result[1].metrics
    assert digest(root / "rounds" / "corpus") == digest(Path(result[0].uri))


def test_killed_build_goes_on_at_the_step(root, result, monkeypatch):
    import raylm.corpus.dedup.keyed as module

    def killed(*_):
        raise KeyboardInterrupt

    for stage in ("read", "score"):
        shutil.copytree(root / "artifact" / stage, root / "killed" / stage)
    with monkeypatch.context() as patch:
        patch.setattr(module, "routed", killed)
        with pytest.raises(KeyboardInterrupt):
            make(config(root), root / "killed", ("corpus",))
    steps = root / "killed" / "corpus" / "_steps"
    assert {"00-rules.json", "01-exact-pairs.json"} <= {path.name for path in steps.iterdir()}
    (steps / "01-exact").mkdir(exist_ok=True)
    (steps / "01-exact" / "part-00000.parquet").write_bytes(b"half a file")

    def again(*_):
        raise AssertionError("a finished step ran again")

    monkeypatch.setattr("raylm.corpus.rules.passing.decide", again)
    _, outcome = make(config(root), root / "killed", ("corpus",))
    assert outcome.metrics == result[1].metrics
    assert digest(root / "killed" / "corpus") == digest(Path(result[0].uri))


def keep_only(*names):
    def lose(output):
        for path in (output / "_steps").iterdir():
            if path.name not in names:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    return lose


def lose_one_part_of_each(output):
    for folder in ("_steps/00-rules", "documents"):
        next((output / folder).glob("*.parquet")).unlink()


def half(root, lose):
    folder = root / "half"
    shutil.rmtree(folder, ignore_errors=True)
    for stage in ("read", "score"):
        shutil.copytree(root / "artifact" / stage, folder / stage)
    shutil.copytree(root / "uncleaned" / "corpus", folder / "corpus")
    lose(folder / "corpus")
    return folder


@pytest.mark.parametrize("lose", [keep_only("00-rules.json"), lose_one_part_of_each])
def test_build_killed_while_it_cleans_up_loses_no_document(root, result, lose):
    folder = half(root, lose)
    _, outcome = make(config(root), folder, ("corpus",))
    assert outcome.metrics == result[1].metrics
    assert digest(folder / "corpus") == digest(Path(result[0].uri))


def test_build_killed_while_it_cleans_up_runs_no_step_again(root, result, monkeypatch):
    monkeypatch.setattr("raylm.corpus.build.run_steps", None)
    folder = half(root, keep_only("publish.json"))
    _, outcome = make(config(root), folder, ("corpus",))
    assert outcome.metrics == result[1].metrics and outcome.cost["step_seconds"].keys() == {"rules", "exact", "near", "write"}
    assert digest(folder / "corpus") == digest(Path(result[0].uri))


def test_reading_killed_while_it_cleans_up_reads_nothing_again(root, result, monkeypatch):
    monkeypatch.setattr("raylm.corpus.read.build.list_files", None)
    shutil.copytree(root / "uncleaned" / "read", root / "nearly" / "read")
    make(config(root), root / "nearly", ("read",))
    assert digest(root / "nearly" / "read") == digest(root / "artifact" / "read")


def test_reading_killed_between_two_groups_reads_the_earlier_ones_no_more(root, result, monkeypatch):
    size = sum(file.size for file in list_files(config(root))) // 2
    grouped = config(root, read_group_bytes=size)
    read, done = build._shuffle, []

    def one(*arguments):
        if done:
            raise KeyboardInterrupt
        done.append(arguments[-1].uri)
        return read(*arguments)

    monkeypatch.setattr(build, "_shuffle", one)
    with pytest.raises(KeyboardInterrupt):
        make(grouped, root / "groups", ("read",))
    monkeypatch.setattr(build, "_shuffle", lambda *arguments: done.append(arguments[-1].uri) or read(*arguments))
    make(grouped, root / "groups", ("read",))
    groups = build.in_groups(list_files(grouped), size)
    assert len(done) == len(set(done)) == len(groups) > 1 and sum(map(len, groups)) == len(list_files(grouped))
    assert digest(root / "groups" / "read") == digest(root / "artifact" / "read")


def test_more_text_is_cut_into_more_partitions(tmp_path, result, monkeypatch):
    monkeypatch.setattr("raylm.corpus.config._PARTITION_BYTES", 2_000)
    for number in range(12):
        (tmp_path / "mine").mkdir(exist_ok=True)
        (tmp_path / "mine" / f"{number}.txt").write_text(prose(number // 2, 20))
    sources = [{"name": "mine", "kind": "folder", "path": str(tmp_path / "mine")}]
    artifacts, outcome = make(CorpusConfig.model_validate({"sources": sources}), tmp_path / "artifact")
    assert outcome.metrics["reasons"] == {"exact": {"exact duplicate": 6}} and outcome.counts_out["documents"] == 6
    size = sum(path.stat().st_size for path in (tmp_path / "mine").iterdir())
    assert len(artifacts["corpus"].folder.child("documents").names()) == -(-size // 2_000) > 8


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
    assert one == two and len(one) == 15
