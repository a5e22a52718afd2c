"""Proof 9 of the corpus: what each kind of faulty file costs. Every fault is made, read in a child process under limits with every
measure of every rule, cleaned and masked by default, and has to be counted as foretold.

    python -m benchmarks.corpus_faults [--great]       (`--great`: those of tens of megabytes too)

The faults and the child are those of `tests/corpus`; seconds are of CPU time, memory is the greatest resident size of the reader
or of its child that extracts pages.
"""

import argparse
import importlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.harness import RESULTS, machine

TESTS = Path(__file__).parents[1] / "tests" / "corpus"


def measured(great: bool, only: str) -> Iterator[tuple[Any, Any, str]]:
    """Yield each fault, what became of it, and what is wrong with that ("" if nothing)."""
    sys.path[:0] = [str(TESTS)]
    made, probing, testing = (importlib.import_module(name) for name in ("faults", "fault_probe", "test_faults"))
    for heavy in (False, True) if great else (False,):
        chosen = [fault for fault in made.faults() if fault.heavy == heavy and only in f"{fault.kind} {fault.name}"]
        seconds, memory = ((testing.CPU_SECONDS, testing.MEMORY), (testing.GREAT_CPU_SECONDS, testing.GREAT_MEMORY))[heavy]
        with tempfile.TemporaryDirectory() as folder:
            files = [(made.written(fault, Path(folder)), fault.relative, fault.extract) for fault in chosen]
            for fault, found in zip(chosen, probing.probe(files, testing.PATIENCE * seconds, memory * 10**6), strict=True):
                yield fault, found, testing.wrong(fault, found, seconds)


def main() -> int:
    """Print the table and write all figures to `benchmarks/results/corpus_faults.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--great", action="store_true", help="those of tens of megabytes too (minutes)")
    parser.add_argument("--only", default="", help="faults with this in their kind or name")
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for fault, found, wrong in measured(arguments.great, arguments.only):
        rows.append({"name": fault.relative.encode("utf-8", "backslashreplace").decode(), "kind": fault.kind, "texts": found.texts,
                     "reasons": dict(Counter(found.reasons)), "seconds": round(found.seconds, 3), "megabytes": round(found.memory),
                     "wrong": wrong})
        if wrong:
            print(f"WRONG {rows[-1]['name']}: {wrong}", flush=True)
    kinds: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        kinds.setdefault(row["kind"], []).append(row)
    print(f"{'kind':22s} {'faults':>6s} {'as told':>7s} {'CPU s, mean':>11s} {'worst':>7s} {'MB, worst':>9s}  reasons (records)")
    for kind, mine in kinds.items():
        reasons = sum((Counter(row["reasons"]) for row in mine), Counter())
        print(f"{kind:22s} {len(mine):6d} {sum(not row['wrong'] for row in mine):7d} "
              f"{sum(row['seconds'] for row in mine) / len(mine):11.2f} {max(row['seconds'] for row in mine):7.2f} "
              f"{max(row['megabytes'] for row in mine):9.0f}  "
              + (", ".join(f"{reason} ({count:,})" for reason, count in reasons.most_common()) or "all read"))
    worst, largest = max(rows, key=lambda row: row["seconds"]), max(rows, key=lambda row: row["megabytes"])
    print(f"{len(rows)} faults: {sum(not row['wrong'] for row in rows)} counted, worst time {worst['seconds']:.1f} s of CPU "
          f"({worst['name']}), worst memory {largest['megabytes']:,} MB ({largest['name']})")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "corpus_faults.json").write_text(json.dumps({
        "benchmark": "corpus_faults", "machine": machine(), "finished": time.strftime("%Y-%m-%d %H:%M:%S"), "faults": rows},
        indent=1) + "\n")
    return int(any(row["wrong"] for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
