"""Bad input costs itself: of each faulty file exactly what is in it that can be read is kept, the rest is counted with its reason,
in bounded time and memory, and what was published stays.

`faults.py` makes the files, `fault_probe.py` reads them in a child process as a worker does.
"""

import hashlib
import os
import shutil
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from fault import MEGA, SENTENCE, Fault
from fault_places import not_files
from fault_probe import Found, probe
from fault_texts import BAIT, BAIT_SIZE, ENDS
from faults import faults, written
from making import make

from raylm.corpus.config import CorpusConfig
from raylm.corpus.dedup.cutting import SENTENCE as SENTENCE_END
from raylm.corpus.dedup.cutting import sentence_starts
from raylm.corpus.extract import EXTRACTORS
from raylm.corpus.listing import list_files
from raylm.corpus.models.words import _SENTENCE
from raylm.corpus.sources import KINDS, Record, SourceConfig, Unread
from raylm.corpus.steps.registry import STEPS

CPU_SECONDS, MEMORY = 6.0, 4_000
"""What one faulty file may take: seconds of CPU time, and megabytes of address space (300 MB of them are models and libraries).
Most take less than half a second."""
GREAT_CPU_SECONDS, GREAT_MEMORY = 150.0, 8_000
"""The same for files of 50 MB, with every measure of every rule, of which a recipe asks for a few."""
PATIENCE = 12
"""Times the CPU seconds that we wait by the clock: tests run on busy machines."""


def wrong(fault: Fault, found: Found, seconds: float) -> str:
    """Say what is not as it has to be, if anything."""
    if found.error:
        return found.error
    if not found.adds_up:
        return "rows lost or made up"
    if fault.texts >= 0 and found.texts != fault.texts:
        return f"{found.texts} texts instead of {fault.texts}"
    named = set(found.reasons or [""]) <= set(fault.reasons) if fault.either else Counter(found.reasons) == Counter(fault.reasons)
    if not named:
        return f"reasons {dict(Counter(found.reasons))} instead of {dict(Counter(fault.reasons))}"
    return "" if found.seconds <= seconds else f"{found.seconds:.1f} s"


def check(chosen: list[Fault], root: Path, seconds: float, memory: int) -> None:
    files = [(written(fault, root), fault.relative, fault.extract) for fault in chosen]
    with ThreadPoolExecutor(2) as two:  # children; the threads only wait for them
        halves = list(two.map(lambda part: list(probe(part, PATIENCE * seconds, memory * MEGA)), (files[::2], files[1::2])))
    failed = {}
    for half, found_of in enumerate(halves):
        for fault, found in zip(chosen[half::2], found_of, strict=True):
            if problem := wrong(fault, found, seconds):
                failed[fault.relative] = problem
    assert not failed, "\n".join(f"{name}: {problem}" for name, problem in failed.items())


ALL = faults()
LIGHT = sorted({fault.kind for fault in ALL if not fault.heavy})
HEAVY = sorted({fault.kind for fault in ALL if fault.heavy})


def test_there_are_more_than_two_hundred_different_faults(tmp_path):
    light = [fault for fault in ALL if not fault.heavy and fault.kind != "places"]
    contents = {(fault.name.rpartition(".")[2], fault.extract, hashlib.sha256(written(fault, tmp_path).read_bytes()).digest())
                for fault in light}
    assert len({fault.relative for fault in ALL}) == len(ALL) and len(contents) > 500


@pytest.mark.parametrize("kinds", [LIGHT[::3], LIGHT[1::3], LIGHT[2::3]])
def test_each_fault_costs_itself_and_is_named(tmp_path, kinds):
    check([fault for fault in ALL if fault.kind in kinds and not fault.heavy], tmp_path, CPU_SECONDS, MEMORY)


@pytest.mark.slow
@pytest.mark.parametrize("kind", HEAVY)
def test_great_faults_take_bounded_time_and_memory(tmp_path, kind):
    """A third of the files of one thing, which take half a minute each; `python -m benchmarks.corpus_faults --great` tries all."""
    chosen = [fault for fault in ALL if fault.kind == kind and fault.heavy]
    check(chosen[::3] if kind.endswith("of one thing") else chosen, tmp_path, GREAT_CPU_SECONDS, GREAT_MEMORY)


def read(path: Path, **more: object) -> list[Record | Unread]:
    source = SourceConfig.model_validate({"name": "mine", "kind": "folder", "path": "x", **more})
    return list(KINDS["folder"].documents(str(path), path.name, source))


def outcome(records: list[Record | Unread]) -> list[str]:
    return [record.reason if isinstance(record, Unread) else record.text for record in records]


def test_pipes_sockets_and_devices_are_not_listed_and_not_waited_for(tmp_path):
    (tmp_path / "good.txt").write_bytes(SENTENCE)
    others = not_files(tmp_path)
    config = CorpusConfig.model_validate({"sources": [{"name": "mine", "kind": "folder", "path": str(tmp_path)}]})
    assert [file.relative for file in list_files(config)] == ["good.txt"]
    for path in others:  # one may take the place of a file after the list was made
        assert outcome(read(path)) == ["unreadable: no regular file"], path.name


@pytest.mark.parametrize("find", [SENTENCE_END.findall, _SENTENCE.findall, sentence_starts])
def test_what_steps_cut_texts_at_is_found_in_linear_time(find):
    for name, bait in BAIT.items():
        for end in ENDS:
            started = time.process_time()
            find(bait * (BAIT_SIZE // len(bait)) + end)
            assert time.process_time() - started < 2.0, name


def test_a_loop_of_folders_ends_and_every_file_is_read_once(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "good.txt").write_bytes(SENTENCE)
    (inner / "up").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "a")
    (tmp_path / "one").symlink_to(tmp_path / "two")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    deep = tmp_path / "deep"
    for _ in range(40):
        deep = deep / "folder"
    deep.mkdir(parents=True)
    (deep / "good.txt").write_bytes(SENTENCE)
    (tmp_path / "empty").mkdir()
    config = CorpusConfig.model_validate({"sources": [{"name": "mine", "kind": "folder", "path": str(tmp_path)}]})
    found = {file.relative: outcome(read(Path(file.path)))[0] for file in list_files(config)}
    assert Counter(found.values()) == {SENTENCE.decode(): 2, "unreadable: symbolic link loop": 2}


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv", "a.parquet", "a.wet", "a.html", "a.jsonl.gz", "noending"])
def test_a_file_that_vanished_or_became_a_folder_is_counted(tmp_path, name):
    assert outcome(read(tmp_path / name, extract="visible")) == ["unreadable: no such file"]
    (tmp_path / name).mkdir()
    assert outcome(read(tmp_path / name, extract="visible")) == ["unreadable: is a folder"]


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv", "a.parquet", "a.wet", "a.html", "a.jsonl.gz", "noending"])
def test_a_file_that_must_not_be_read_is_counted(tmp_path, name, monkeypatch):
    def refused(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    (tmp_path / name).write_bytes(SENTENCE)
    monkeypatch.setattr("raylm.corpus.files.address._on_disk", refused)  # root may read all
    assert outcome(read(tmp_path / name, extract="visible")) == ["unreadable: permission denied"]


def test_a_disk_that_fails_in_the_middle_costs_what_comes_after(tmp_path, monkeypatch):
    import raylm.corpus.files.address as address

    class Failing:
        def __init__(self, stream):
            self._stream, self._left = stream, 200_000

        def readinto(self, buffer):
            self._left -= len(buffer)
            if self._left < 0:
                raise OSError(5, "Input/output error")
            return self._stream.readinto(buffer)

        def __getattr__(self, name):
            return getattr(self._stream, name)

    import io

    class Raw(io.RawIOBase):
        def __init__(self, stream):
            self._failing = Failing(stream)

        def readable(self):
            return True

        def readinto(self, buffer):
            return self._failing.readinto(buffer)

    opened = address._on_disk
    monkeypatch.setattr(address, "_on_disk", lambda path: io.BufferedReader(Raw(opened(path)), 1 << 14))
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "one row of many rows"}\n' * 20_000)
    (tmp_path / "a.txt").write_bytes(SENTENCE * 9_000)
    *before, last = read(tmp_path / "a.jsonl")
    assert isinstance(last, Unread) and last.reason == "unreadable: input/output error" and len(before) > 5_000
    assert outcome(read(tmp_path / "a.txt")) == ["unreadable: input/output error"]


def test_a_file_that_grows_while_it_is_read_ends(tmp_path):
    path = tmp_path / "log.jsonl"
    line = b'{"text": "another line of a log"}\n'
    path.write_bytes(line * 1_000)
    count = 0
    with path.open("ab", buffering=0) as growing:
        for record in KINDS["folder"].documents(str(path), path.name, SourceConfig(name="mine", kind="folder", path="x")):
            count += isinstance(record, Record)
            if count < 3_000:
                growing.write(line[:-1] if count % 7 else line)
    assert count >= 1_000
    path.write_bytes(line * 50_000)
    records = KINDS["folder"].documents(str(path), path.name, SourceConfig(name="mine", kind="folder", path="x"))
    next(records)
    os.truncate(path, 100)  # and one that shrinks, too
    assert all(isinstance(record, Record) or record.reason == "not JSON" for record in records)


# The stages on Ray ---------------------------------------------------------------------------------------------------------------

def stage_config(root: Path, steps: list[dict[str, object]], **more: object) -> CorpusConfig:
    sources = [{"name": name, "kind": "folder", "path": str(root / name), "extract_seconds": 5.0,
                **({"extract": name} if name in EXTRACTORS else {})}
               for name in ("good", "plain", "resiliparse", "trafilatura") if (root / name).is_dir()]
    return CorpusConfig.model_validate({"sources": sources, "steps": steps, "partitions": 4, **more})


def good_text(number: int) -> str:
    return " ".join(f"word{(number * 7919 + place * 104729) % 99991}" for place in range(200)) + "\n"


def rows_of(folder: Path, columns: list[str]) -> list[dict[str, object]]:
    return [row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path, columns=columns).to_pylist()]


@pytest.mark.slow
def test_whole_stages_over_all_faults_publish_every_good_document(tmp_path, ray_cluster):
    light = [fault for fault in ALL if not fault.heavy]
    great = [fault for fault in ALL if fault.heavy and fault.name in ("a.txt", "newline.txt", "chinese.txt", "lines.jsonl.zst")]
    chosen = [fault for fault in [*light, *great] if fault.kind != "bait for patterns" or fault.name.endswith("-1.py")]
    root = tmp_path / "in"
    for fault in chosen:
        written(fault, root)
    not_files(root / "plain")
    (root / "good").mkdir()
    for number in range(50):
        (root / "good" / f"{number}.txt").write_text(good_text(number))
    steps = [{"do": name} for name in ("exact", "near", "substrings", "sentences", "paragraphs") if name in STEPS]
    artifacts, outcome = make(stage_config(root, steps), tmp_path / "out")

    kept = rows_of(tmp_path / "out" / "corpus" / "documents", ["source", "path", "text"])
    assert {row["text"] for row in kept if row["source"] == "good"} == {good_text(number) for number in range(50)}
    removed = rows_of(tmp_path / "out" / "corpus" / "removed", ["source", "path", "step", "reason"])
    metrics = artifacts["read"].manifest["metrics"]
    assert len(kept) + len(removed) == sum(row["documents"] for row in metrics["read"])
    reasons = Counter(row["reason"] for row in removed if row["step"] == "read")
    assert reasons == metrics["unread"] == outcome.metrics["reasons"]["read"]

    lost: dict[str, Counter[str]] = {}
    for row in removed:
        if row["step"] == "read":
            lost.setdefault(str(row["path"]), Counter())[str(row["reason"])] += 1
    listed = {os.fsencode(fault.relative).decode("utf-8", "backslashreplace"): fault for fault in chosen}
    for path, fault in listed.items():
        found = lost.get(path, Counter())
        assert set(found or [""]) <= set(fault.reasons) if fault.either else found == Counter(fault.reasons), path
    assert not lost.keys() - listed.keys()


def digest(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "cost.json"}


@pytest.fixture
def small_disk(tmp_path):
    """Mount a disk of a given number of kilobytes; its size can be changed by calling again."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = False

    def sized(kilobytes: int) -> Path:
        nonlocal mounted
        options = f"size={kilobytes}k" + (",remount" if mounted else "")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True, check=False)
        if done.returncode:
            pytest.skip("may not mount a disk")
        mounted = True
        return place

    yield sized
    if mounted:
        subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.mark.slow
def test_on_a_full_disk_nothing_published_is_lost_and_the_same_command_finishes_later(tmp_path, ray_cluster, small_disk):
    root = tmp_path / "in"
    (root / "good").mkdir(parents=True)
    for number in range(300):
        (root / "good" / f"{number}.txt").write_text(good_text(number))
    steps = [{"do": "exact"}, {"do": "near"}]
    config = stage_config(root, steps)
    disk = small_disk(100_000)
    make(config, disk / "published")
    sizes = {stage: sum(path.stat().st_size for path in (disk / "published" / stage).rglob("*") if path.is_file()) // 1000
             for stage in ("read", "score", "corpus")}
    published = digest(disk / "published")
    used = (shutil.disk_usage(disk).used // 1024) + 1
    failures = 0
    for room in (sizes["read"] // 2, sizes["read"] + 40):
        small_disk(used + room)
        shutil.rmtree(disk / "next", ignore_errors=True)
        try:
            make(config, disk / "next")
        except Exception as error:
            failures += 1
            assert "No space left on device" in str(error) or "Errno 28" in str(error), repr(error)
        assert digest(disk / "published") == published
        for stage in ("read", "corpus"):
            if (disk / "next" / stage / "manifest.json").exists():
                assert digest(disk / "next" / stage) == digest(disk / "published" / stage)
    assert failures == 2
    small_disk(100_000)
    done = [stage for stage in ("read", "score", "corpus") if not (disk / "next" / stage / "manifest.json").exists()]
    make(config, disk / "next", tuple(done))
    assert digest(disk / "next") == published
    assert not [path for path in (disk / "next").rglob(".*") if path.is_file()]
