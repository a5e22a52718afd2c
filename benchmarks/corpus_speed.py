"""How fast the corpus is made, beside the peers, on the same documents and cores: near-duplicates alone, and the whole pipeline.

    python -m benchmarks.corpus_speed near --datatrove PEER/bin/python --text-dedup PEER/bin/python
    python -m benchmarks.corpus_speed pipeline --datatrove PEER/bin/python

datatrove 0.10 and text-dedup run in environments of their own, whose Pythons are given; what is not given is left out. Times are of
the whole process, from its start to the last file written: starting Ray counts, and so do the peers' imports. `near` reads JSON
lines, finds near-duplicates with FineWeb's 14 bands of 8 over 5-word shingles, and writes what is left. `pipeline` also applies
Gopher's, C4's (pages and lines) and FineWeb's rules and masks e-mail and IP addresses. raylm cuts C4's lines before all rules, as
it does whatever changes texts, datatrove between Gopher's and FineWeb's: so the two do not keep the same pages. (The rules alone,
with equal decisions: `benchmarks.corpus_rules`.)
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import RESULTS, machine
from benchmarks.texts import page_texts

BANDS, ROWS, SHINGLE, WORKERS = 14, 8, 5, 2
RULES = ("gopher_repetition", "gopher_quality", "c4", "fineweb")

DATATROVE = """
import sys
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.filters import (C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter)
from datatrove.pipeline.formatters import PIIFormatter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers.jsonl import JsonlWriter
from datatrove.utils.hashing import HashConfig

mode, source, place, bands, rows, shingle, workers = sys.argv[1], sys.argv[2], sys.argv[3], *map(int, sys.argv[4:])

tasks_run = []

def run(steps, tasks):
    logs = f"{place}/logs-{len(tasks_run)}"
    LocalPipelineExecutor(pipeline=steps, tasks=tasks, workers=min(tasks, workers), logging_dir=logs).run()
    tasks_run.append(tasks)

if __name__ == "__main__":
    config = MinhashConfig(hash_config=HashConfig(precision=64), num_buckets=bands, hashes_per_bucket=rows, n_grams=shingle)
    if mode == "pipeline":
        run([JsonlReader(source), GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter(filter_no_terminal_punct=False),
             FineWebQualityFilter(), JsonlWriter(f"{place}/filtered")], workers)
        source = f"{place}/filtered"
    run([JsonlReader(source), MinhashDedupSignature(output_folder=f"{place}/signatures", config=config)], workers)
    run([MinhashDedupBuckets(f"{place}/signatures", f"{place}/buckets", config=config)], bands)
    run([MinhashDedupCluster(f"{place}/buckets", f"{place}/remove", config=config)], 1)
    last = [PIIFormatter()] if mode == "pipeline" else []
    run([JsonlReader(source), MinhashDedupFilter(f"{place}/remove"), *last, JsonlWriter(f"{place}/out")], workers)
"""

DATASKETCH = """
import json, re, sys
from pathlib import Path
from datasketch import MinHash, MinHashLSH
source, place, bands, rows, shingle = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
word = re.compile("[^\\W]+")
index = MinHashLSH(num_perm=bands * rows, params=(bands, rows))
kept = 0
with open(f"{place}/out.jsonl", "w") as out:
    for path in sorted(Path(source).iterdir()):
        for number, line in enumerate(path.open()):
            words = word.findall(json.loads(line)["text"])
            sketch = MinHash(num_perm=bands * rows)
            sketch.update_batch([" ".join(words[at:at + shingle]).encode() for at in range(max(1, len(words) - shingle + 1))])
            if not index.query(sketch):
                index.insert(f"{path.name}:{number}", sketch)
                out.write(line)
"""


def write_documents(folder: Path, count: int, words: int) -> tuple[int, int]:
    """Write real pages as JSON lines, in as many files as there are workers; return documents and bytes."""
    folder.mkdir(parents=True)
    files = [(folder / f"{number:02d}.jsonl").open("w") for number in range(WORKERS)]
    done = size = 0
    for name, text in page_texts(words=words):
        files[done % WORKERS].write(json.dumps({"text": text, "id": f"{done}-{name}"}) + "\n")
        done, size = done + 1, size + len(text.encode())
        if done == count:
            break
    for file in files:
        file.close()
    return done, size


def command(contender: str, mode: str, arguments: argparse.Namespace, source: Path, place: Path) -> list[str]:
    """Return the command that does one contender's whole work."""
    numbers = [str(number) for number in (BANDS, ROWS, SHINGLE)]
    if contender == "datatrove":
        script = place / "datatrove_job.py"
        script.write_text(DATATROVE)
        return [arguments.datatrove, str(script), mode, str(source), str(place), *numbers, str(WORKERS)]
    if contender == "datasketch":
        script = place / "datasketch_job.py"
        script.write_text(DATASKETCH)
        return [sys.executable, str(script), str(source), str(place), *numbers]
    if contender == "text-dedup":
        files = [str(path) for path in sorted(source.iterdir())]
        merged = place / "documents.jsonl"
        with merged.open("wb") as out:
            for file in files:
                with open(file, "rb") as one:  # noqa: PTH123
                    shutil.copyfileobj(one, out)
        return [arguments.text_dedup, "-m", "text_dedup.minhash", "--path", "json", "--data_files", str(merged), "--split", "train",
                "--column", "text", "--output", str(place / "out"), "--b", str(BANDS), "--r", str(ROWS), "--num_perm",
                str(BANDS * ROWS), "--ngram", str(SHINGLE), "--hash_func", "xxh3", "--num_proc", str(WORKERS), "--cache_dir",
                str(place / "cache")]
    return [sys.executable, "-m", "benchmarks.corpus_speed", mode, "--child", str(source), str(place)]


def raylm_config(mode: str, source: Path) -> dict[str, Any]:
    """Return the corpus section that does the same as the peers; near-duplicates are verified besides."""
    near = {"do": "near", "bands": BANDS, "band_rows": ROWS, "permutations": BANDS * ROWS, "shingle": SHINGLE, "threshold": 0.75,
            "min_shingles": 1}
    rules = [{"do": name, "languages": []} for name in RULES] if mode == "pipeline" else []
    masks = _no_masks() | ({"email": True, "ip": True} if mode == "pipeline" else {})
    # What datatrove's C4 filter does to a page besides judging it, with `filter_no_terminal_punct=False`.
    clean = {"c4_lines": {"marks": "", "min_words": 3, "max_word": 1000}} if mode == "pipeline" else {}
    return {"sources": [{"name": "pages", "kind": "folder", "path": str(source)}], "language": "off", "mask": masks, "clean": clean,
            "steps": [*rules, near]}


def _no_masks() -> dict[str, bool]:
    from raylm.corpus.masks import MasksConfig

    return {name: False for name, value in MasksConfig() if isinstance(value, bool)}


def child(mode: str, source: Path, place: Path) -> int:
    """Do raylm's work, in a process of its own."""
    from benchmarks.stages import build_corpus

    build_corpus(place / "raylm", raylm_config(mode, source), cpus=WORKERS)
    return 0


def left(contender: str, place: Path) -> int:
    """Return how many documents a contender kept."""
    if contender == "raylm":
        import pyarrow.parquet as pq

        return sum(pq.read_metadata(path).num_rows for path in (place / "raylm/corpus/documents").glob("*.parquet"))
    if contender == "text-dedup":
        import pyarrow.ipc

        return sum(pyarrow.ipc.open_stream(str(path)).read_all().num_rows for path in (place / "out").glob("*.arrow"))
    import gzip

    lines = 0
    for path in [*(place / "out").glob("*"), *place.glob("out.jsonl")]:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            lines += sum(1 for _ in file)
    return lines


def main() -> int:
    """Run the contenders in turn, each in processes of its own, and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=("near", "pipeline"))
    parser.add_argument("--documents", type=int, default=30_000, help="real pages (30000)")
    parser.add_argument("--words", type=int, default=400, help="about so many words a page (400)")
    parser.add_argument("--rounds", type=int, default=2, help="how often each runs (2)")
    parser.add_argument("--datatrove", help="Python of an environment with datatrove 0.10.1, spacy, xxhash, orjson")
    parser.add_argument("--text-dedup", help="Python of an environment with text-dedup 0.4")
    parser.add_argument("--child", nargs=2, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        return child(arguments.mode, *arguments.child)
    contenders = ["raylm"] + ["datatrove"] * bool(arguments.datatrove)
    if arguments.mode == "near":
        contenders += ["text-dedup"] * bool(arguments.text_dedup) + ["datasketch"]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "documents"
        count, size = write_documents(source, arguments.documents, arguments.words)
        print(f"{count:,} documents, {size / 1e6:,.0f} MB, {WORKERS} cores; {arguments.mode}")
        found = rounds(contenders, arguments, source, Path(folder))
    result: dict[str, Any] = {name: {"seconds": seconds, "rate": count / statistics.median(seconds), "kept": kept}
              for name, (seconds, kept) in found.items()}
    print(f"\n{'contender':12} {'seconds (median)':>17} {'documents/s':>12} {'kept':>8} {'raylm is faster':>16}")
    for name, row in sorted(result.items(), key=lambda item: -item[1]["rate"]):
        print(f"{name:12} {statistics.median(row['seconds']):>17.1f} {row['rate']:>12,.0f} {row['kept']:>8,} "
              f"{result['raylm']['rate'] / row['rate']:>15.1f}x")
    RESULTS.mkdir(exist_ok=True)
    target = RESULTS / f"corpus_speed_{arguments.mode}.json"
    target.write_text(json.dumps({"documents": count, "bytes": size, "machine": machine(), "contenders": result}, indent=1) + "\n")
    return 0


def rounds(contenders: list[str], arguments: argparse.Namespace, source: Path, folder: Path) -> dict[str, tuple[list[float], int]]:
    """Run the contenders in turn; return the seconds of each round, and how many documents each kept."""
    found: dict[str, tuple[list[float], int]] = {}
    for number in range(arguments.rounds):
        for name in contenders:
            place = folder / f"{name}-{number}"
            place.mkdir()
            started = time.monotonic()
            done = subprocess.run(command(name, arguments.mode, arguments, source, place), check=False, capture_output=True,
                                  text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
            seconds = time.monotonic() - started
            if done.returncode:
                raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
            kept = left(name, place)
            found.setdefault(name, ([], kept))[0].append(seconds)
            print(f"round {number + 1}/{arguments.rounds}  {name:12} {seconds:8.1f} s  {kept:,} kept", flush=True)
            shutil.rmtree(place)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
