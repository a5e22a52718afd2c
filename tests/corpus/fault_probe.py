"""Reads faulty files as a worker does, in a child process under limits, and tells what became of each.

    python fault_probe.py < faults.json        (a list of {"path", "relative", "extract"}; answers are lines of JSON)

The parent waits a stated time for each answer. What a kernel limit or a crash ends, or what does not answer, is known by its name,
and the next child goes on behind it.
"""

import json
import os
import resource
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

MEGA = 1_000_000
GIVEN: dict[str, dict[str, Any]] = {  # what rules need that have no default for it
    "keywords": {"words": ["viagra", "lorem ipsum", "赌博"]}, "field": {"field": "likes", "least": 1},
}


@dataclass
class Found:
    """What became of one file."""

    texts: int = 0
    reasons: list[str] = field(default_factory=list)
    seconds: float = 0.0
    """Of CPU time, which another program's work does not change, of the reader and of its child that extracts pages."""
    memory: float = 0.0
    """Greatest resident size of either while it was read, megabytes."""
    error: str = ""
    """What ended the reader, which nothing may."""
    adds_up: bool = True


@cache
def _reader(extract: str | None) -> Any:
    """Return what makes rows: every measure that any rule or step asks for, with the default cleaning and masks."""
    from raylm.corpus.config import CorpusConfig
    from raylm.corpus.read.rows import Rows
    from raylm.corpus.steps.registry import STEPS

    steps = []
    for name, step in STEPS.items():
        try:
            steps.append(step.model_validate({"do": name, **GIVEN.get(name, {})}))
        except ValueError:  # it needs a model or a list, and measures nothing
            continue
    source = {"name": "faults", "kind": "folder", "path": "x", "columns": {"note": "note"}, "extract_seconds": 5.0}
    config = CorpusConfig.model_validate({"sources": [source | ({"extract": extract} if extract else {})]})
    measures = {measure for step in steps for measure in step.measures()}
    return config, (lambda: Rows(config, [*config.measures()[:1], *sorted(measures, key=repr)], 4))


def _reset() -> None:
    for pid in _processes():
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def _peak() -> float:
    """Return the greatest resident size since `_reset` in megabytes."""
    most = 0.0
    for pid in _processes():
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        most = max([most, *(int(line.split()[1]) / 1000 for line in status.splitlines() if line.startswith("VmHWM"))])
    return most


def _cpu() -> float:
    """Return the CPU time used so far; of a child that was ended and replaced it stays counted as one that has been waited for."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    running = 0.0
    for pid in _processes()[1:]:
        ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        running += sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
    return time.process_time() + ended.ru_utime + ended.ru_stime + running


def _processes() -> list[int]:
    from raylm.corpus.extract.sandbox import _SANDBOXES

    children = [box._child.pid for box in _SANDBOXES.values() if box._child is not None and box._child.poll() is None]
    return [os.getpid(), *children]


def read(path: str, relative: str, extract: str | None) -> Found:
    """Read one file as `ReadFiles` does."""
    from raylm.corpus.sources import KINDS, Record

    config, rows_of = _reader(extract)
    found, rows, tables, texts, lost = Found(), rows_of(), [], 0, 0
    _reset()
    started = _cpu()
    for record in KINDS["folder"].documents(path, relative, config.sources[0]):
        if isinstance(record, Record):
            texts += 1
        else:
            lost += 1
        rows.add(0, "0" * 16, "faults/x", record)
        if len(rows) >= config.batch_documents or rows.characters >= config.batch_characters:
            tables.append(_counts(rows.table()))
    tables.append(_counts(rows.table()))
    found.seconds, found.memory = _cpu() - started, _peak()
    found.texts = sum(count for count, _ in tables)
    found.reasons = [reason for _, reasons in tables for reason in reasons]
    found.adds_up = (found.texts, len(found.reasons)) == (texts, lost)
    return found


def _counts(table: Any) -> tuple[int, list[str]]:
    table.validate(full=True)
    unread = table["unread"].to_pylist()
    reasons = [reason for reason in unread if reason is not None]
    return len(unread) - len(reasons), reasons


def main(limit: int) -> None:
    """Answer for each fault of standard input."""
    files = json.load(sys.stdin)
    for extract in {file["extract"] for file in files}:
        _reader(extract)[1]().table()
    from raylm.corpus.language import VOTE, identify

    identify(["Loads the models."], VOTE)
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    print("{}", flush=True)
    for file in files:
        try:
            found = read(os.fsdecode(bytes.fromhex(file["path"])), file["relative"], file["extract"])
        except BaseException as error:  # what it is, the parent says
            import traceback

            place = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)][-4:]
            found = Found(error=f"{type(error).__name__}: {str(error)[:200]} at {' '.join(place)}")
        print(json.dumps(found.__dict__), flush=True)


def probe(files: Sequence[tuple[Path, str, str | None]], seconds: float, memory: int) -> Iterator[Found]:
    """Yield what became of each file, in order.

    Args:
        files: path, path relative to the source, and extractor.
        seconds: after which a file counts as hanging.
        memory: bytes of address space of the reader.
    """
    done = 0
    while done < len(files):
        listed = [{"path": os.fsencode(path).hex(), "relative": os.fsencode(relative).decode("utf-8", "backslashreplace"),
                   "extract": extract} for path, relative, extract in files[done:]]
        with subprocess.Popen([sys.executable, __file__, str(memory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              env={**os.environ, "OMP_NUM_THREADS": "1"}) as child:
            assert child.stdin and child.stdout
            child.stdin.write(json.dumps(listed).encode())
            child.stdin.close()
            answer = _line(child, 120)
            if not answer:
                raise RuntimeError("the reader does not start")
            while done < len(files):
                answer = _line(child, seconds)
                done += 1
                if answer:
                    yield Found(**json.loads(answer))
                    continue
                hanging = child.poll() is None
                child.kill()
                yield Found(seconds=seconds, error="did not end" if hanging else f"the reader died: {child.wait()}")
                break


def _line(child: subprocess.Popen[bytes], seconds: float) -> bytes:
    assert child.stdout
    ready, _, _ = select.select([child.stdout], [], [], seconds)
    return child.stdout.readline() if ready else b""


if __name__ == "__main__":
    main(int(sys.argv[1]))
