"""Whether the corpus depends on how it was made, and how its making grows with the input: the same bytes by any number of workers
and with a worker killed in the middle, in one task as by shuffles, the same documents in any number of partitions; memory per
worker flat, time linear.

    python -m benchmarks.corpus_distribution same --folder FOLDER...
    python -m benchmarks.corpus_distribution growth --folder FOLDER...

FOLDER holds text and HTML, such as a distribution's documentation; `same` takes 24 MB of it by default, `growth` 70 MB and 4 and 16
times as much. Every run is a process of its own with a Ray of its own. Memory is what a Ray worker has to itself (anonymous pages),
read from the kernel five times a second, the largest of all workers. Partitions grow with the input, as they do by default above
800 MB: so many that each has the same share.
"""

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import RESULTS, machine

INCLUDE = ["*.html", "*.htm", "*.txt", "*.md", "*.rst", "*.gz", "*.1", "*.3", "*.7"]
STEPS = [{"do": "length"}, {"do": "repetition"}, {"do": "exact"}, {"do": "near"}, {"do": "substrings"}]
SHUFFLED = {"exact": {"rows_in_one_task": 0}, "near": {"rows_in_one_task": 0, "edges_in_one_task": 0},
            "substrings": {"bytes_in_one_task": 0, "rows_in_one_task": 0}}
"""The limits up to which one task does a comparison alone, at 0: so few documents as here would meet no shuffle otherwise."""


def config(folders: list[str], size: int, partitions: int, shuffled: bool = False) -> dict[str, Any]:
    """Return the corpus section of a run over so many bytes of files; `shuffled`: every comparison is by shuffles."""
    steps = [{**step, **SHUFFLED.get(step["do"], {})} for step in STEPS] if shuffled else STEPS
    return {"sources": [{"name": "docs", "kind": "folder", "path": folders, "include": INCLUDE, "max_bytes": size,
                         "extract": "resiliparse"}],
            "language": "fast", "partitions": partitions, "steps": steps}


def descendants() -> list[int]:
    """Return the processes below this one."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, pending = [], [os.getpid()]
    while pending:
        below = parents.get(pending.pop(), [])
        found += below
        pending += below
    return found


def is_worker(process: int) -> bool:
    """Whether a process is a Ray worker with a task."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().startswith(b"ray::")
    except OSError:
        return False


class Watch(threading.Thread):
    """Watches the workers of this process: their largest memory; kills one of them once, if asked."""

    def __init__(self, kill_after: float | None) -> None:
        """Watch from `start()` on; kill the busiest worker so many seconds later."""
        super().__init__(daemon=True)
        self.peak = 0
        self.killed = 0
        self._kill_at = None if kill_after is None else time.monotonic() + kill_after

    def run(self) -> None:
        """Look five times a second."""
        while True:
            sizes = {process: anonymous(process) for process in descendants() if is_worker(process)}
            self.peak = max([self.peak, *sizes.values()])
            busy = [process for process in sizes if b"each" in command(process) or b"Map" in command(process)]
            if self._kill_at is not None and not self.killed and time.monotonic() > self._kill_at and busy:
                self.killed = max(busy, key=lambda process: sizes[process])
                os.kill(self.killed, signal.SIGKILL)
            time.sleep(0.2)


def command(process: int) -> bytes:
    """Return a process' command line."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def anonymous(process: int) -> int:
    """Return the bytes of memory that a process has to itself."""
    try:
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def child(settings: dict[str, Any]) -> int:
    """Make one corpus and print what is known of it."""
    from benchmarks.stages import STAGES, stages_in
    from raylm.corpus.config import CorpusConfig
    from raylm.pipeline.quiet import quiet_ray
    from raylm.pipeline.session import start_private

    quiet_ray()
    start_private(num_cpus=settings["workers"], include_dashboard=False, object_store_memory=1_500_000_000, log_to_driver=False,
                  logging_level="ERROR")
    watch = Watch(settings.get("kill_after"))
    watch.start()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        stages = stages_in(Path(place), CorpusConfig.model_validate(settings["config"]))
        seconds = time.monotonic() - started
        corpus = Path(place) / STAGES[-1]
        manifest = json.loads((corpus / "manifest.json").read_text())
        found = {"files": digest_files(corpus), "rows": digest_rows(corpus), "seconds": seconds, "stages": stages,
                 "peak": watch.peak, "killed": watch.killed, "headline": manifest["headline"],
                 "bytes": sum(row["bytes_in"] for row in manifest["metrics"]["funnel"] if row["step"] == "read")}
    print("\n" + json.dumps(found))
    return 0


def digest_files(corpus: Path) -> str:
    """Return a hash of every byte of the documents, removed documents and fingerprints."""
    digest = hashlib.sha256()
    for path in sorted(corpus.rglob("*.parquet")):
        digest.update(str(path.relative_to(corpus)).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def digest_rows(corpus: Path) -> str:
    """Return a hash of the documents and removed documents, row after row, whatever partitions they are in."""
    import pyarrow.parquet as pq

    digest = hashlib.sha256()
    for name in ("documents", "removed"):
        for path in sorted((corpus / name).glob("*.parquet")):
            for row in pq.read_table(path).to_pylist():
                digest.update(json.dumps(row, sort_keys=True).encode())
    return digest.hexdigest()[:16]


def run(settings: dict[str, Any]) -> dict[str, Any]:
    """Run one child and return what it printed."""
    call = [sys.executable, "-m", "benchmarks.corpus_distribution", "--child", json.dumps(settings)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise SystemExit(f"{settings} failed:\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def same(folders: list[str], size: int) -> dict[str, Any]:
    """Make the corpus in several ways and compare."""
    ways = [("1 worker", 1, 7, None, False), ("2 workers", 2, 7, None, False), ("4 workers", 4, 7, None, False),
            ("2 workers again", 2, 7, None, False), ("a worker killed", 2, 7, 8.0, False), ("32 partitions", 2, 32, None, False),
            ("shuffles, 1 worker", 1, 7, None, True), ("shuffles, 2 workers", 2, 7, None, True),
            ("shuffles, 4 workers", 4, 7, None, True), ("shuffles, a worker killed", 2, 7, 8.0, True),
            ("shuffles, 32 partitions", 2, 32, None, True)]
    results = []
    for name, workers, partitions, kill, shuffled in ways:
        settings = config(folders, size, partitions, shuffled)
        found = run({"workers": workers, "config": settings, "kill_after": kill})
        results.append({"name": name, "workers": workers, "partitions": partitions, "shuffled": shuffled, **found})
        told = f", killed process {found['killed']}" if found["killed"] else ""
        print(f"{name:25} {found['seconds']:7.1f} s  files {found['files']}  rows {found['rows']}  {found['headline']}{told}",
              flush=True)
    files = {row["files"] for row in results if row["partitions"] == 7}
    rows = {row["rows"] for row in results}
    print(f"\nsame bytes: {len(files) == 1}; same documents in the same order in 7 and 32 partitions: {len(rows) == 1}")
    return {"runs": results, "same": len(files) == len(rows) == 1}


def growth(folders: list[str], size: int) -> dict[str, Any]:
    """Make corpora of 1, 4 and 16 times the input and compare memory and time."""
    results = []
    print(f"{'input':>6} {'MB':>8} {'partitions':>11} {'seconds':>9} {'MB/s':>6} {'largest worker, MB':>19}")
    for times in (1, 4, 16):
        found = run({"workers": 2, "config": config(folders, size * times, 8 * times)})
        results.append({"times": times, **found})
        rate = found["bytes"] / 1e6 / found["seconds"]
        print(f"{times:>5}x {found['bytes'] / 1e6:>8,.0f} {8 * times:>11} {found['seconds']:>9.1f} {rate:>6.2f} "
              f"{found['peak'] / 1e6:>19,.0f}", flush=True)
    first, last = results[0], results[-1]
    print(f"\nmemory at 16x is {last['peak'] / first['peak']:.2f} of that at 1x; time {last['seconds'] / first['seconds']:.1f} "
          f"times that at 1x for {last['bytes'] / first['bytes']:.1f} times the bytes")
    return {"runs": results}


def main() -> int:
    """Run what the command line asks for."""
    if sys.argv[1:2] == ["--child"]:
        return child(json.loads(sys.argv[2]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("same", "growth"))
    parser.add_argument("--folder", nargs="+", required=True, help="folders of text and HTML")
    parser.add_argument("--megabytes", type=float, help="input at 1x (24 for `same`, 70 for `growth`)")
    arguments = parser.parse_args()
    what = same if arguments.what == "same" else growth
    size = arguments.megabytes or (24 if arguments.what == "same" else 70)
    result = what(arguments.folder, int(size * 1e6))
    RESULTS.mkdir(exist_ok=True)
    target = RESULTS / f"corpus_{arguments.what}.json"
    target.write_text(json.dumps({**result, "machine": machine()}, indent=1) + "\n")
    return 0 if result.get("same", True) else 1


if __name__ == "__main__":
    raise SystemExit(main())
