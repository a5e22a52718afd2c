"""How contenders are compared: in turn, several rounds, each in a fresh child process, and the ratio taken from the medians.

Machines drift: the same product of matrices has run 2.5 times apart within minutes. So contenders alternate (A B A B ...) instead
of running one after the other, medians are quoted, and the spread is printed beside them. A benchmark is a module with a function
per contender; `main` runs the rounds in the parent and one contender in each child, and writes all numbers as JSON.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
Contender = Callable[[argparse.Namespace], dict[str, float]]


def main(name: str, unit: str, contenders: dict[str, Contender], peers: tuple[str, ...],
         options: Callable[[argparse.ArgumentParser], None] | None = None) -> int:
    """Run a benchmark's command line.

    Args:
        name: of the benchmark; its results go to `benchmarks/results/NAME.json`.
        unit: of the figure `rate` that every contender returns, such as `tokens/s`.
        contenders: functions by name; each does the whole work and returns at least `rate`.
        peers: the contenders that are not ours; the ratios are against the fastest of them.
        options: adds the benchmark's own arguments.
    """
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each contender runs (3)")
    parser.add_argument("--only", nargs="*", choices=sorted(contenders),
                        help="run these contenders alone; with none of the peers among them, all peers too")
    parser.add_argument("--child", choices=sorted(contenders), help=argparse.SUPPRESS)
    if options:
        options(parser)
    arguments = parser.parse_args()
    if arguments.child:
        print("\n" + json.dumps(contenders[arguments.child](arguments)))
        return 0
    chosen = set(arguments.only or contenders)
    wanted = [c for c in contenders if c in chosen or (c in peers and not chosen.intersection(peers))]
    samples: dict[str, list[dict[str, float]]] = {contender: [] for contender in wanted}
    for number in range(arguments.rounds):
        for contender in wanted:
            sample = _child(contender)
            samples[contender].append(sample)
            print(f"round {number + 1}/{arguments.rounds}  {contender:24s} {sample['rate']:12,.0f} {unit}", flush=True)
    baseline = max(set(peers).intersection(wanted), key=lambda peer: statistics.median(s["rate"] for s in samples[peer]))
    result = summarise(samples, baseline)
    print("\n" + table(result, unit, baseline))
    RESULTS.mkdir(exist_ok=True)
    target = RESULTS / f"{name}.json"
    target.write_text(json.dumps({"benchmark": name, "unit": unit, "baseline": baseline, "machine": machine(),
                                  "finished": time.strftime("%Y-%m-%d %H:%M:%S"), "contenders": result}, indent=1) + "\n")
    print(f"written to {target}")
    return 0


def _child(contender: str) -> dict[str, float]:
    module = sys.modules["__main__"].__spec__
    if module is None:
        raise SystemExit("start a benchmark as a module: python -m benchmarks.NAME")
    command = [sys.executable, "-m", module.name, *sys.argv[1:], "--child", contender]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise SystemExit(f"{contender} failed:\n{done.stderr[-2000:]}")
    sample: dict[str, float] = json.loads(lines[-1])
    return sample


def summarise(samples: dict[str, list[dict[str, float]]], baseline: str) -> dict[str, Any]:
    """Return per contender all its samples, and the median, minimum, maximum and ratio to the baseline of their rates."""
    against = statistics.median(sample["rate"] for sample in samples[baseline])
    result = {}
    for contender, own in samples.items():
        rates = [sample["rate"] for sample in own]
        median = statistics.median(rates)
        result[contender] = {"median": median, "minimum": min(rates), "maximum": max(rates), "ratio": median / against,
                             "samples": own}
    return result


def table(result: dict[str, Any], unit: str, baseline: str) -> str:
    """Return the result as lines of text, best first."""
    lines = [f"{'contender':24s} {'median ' + unit:>18s} {'min - max':>21s} {'against ' + baseline:>28s}"]
    for contender, own in sorted(result.items(), key=lambda item: -item[1]["median"]):
        spread = f"{own['minimum']:,.0f} - {own['maximum']:,.0f}"
        lines.append(f"{contender:24s} {own['median']:18,.0f} {spread:>21s} {own['ratio']:27.2f}x")
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """Return what the numbers were taken on."""
    return {"cores": os.cpu_count(), "platform": platform.platform(), "python": platform.python_version(),
            "load_before": os.getloadavg()[0]}
