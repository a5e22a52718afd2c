"""Repeated substrings against a suffix array: `python -m benchmarks.corpus_substrings`.

On real text (books, web pages, Chinese poetry, mathematics, the installed packages and the standard library) every byte must be
judged as by pydivsufsort's suffix array with longest common prefixes: covered by a window of L bytes that occurs twice, and the
same where first occurrences stay. Then the step itself runs on Ray, and each text that it leaves must be what the suffix array
leaves. Each contender runs in a process of its own, so that its memory is its own. `../shared/data` is used where it is there.
"""

import argparse
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.harness import RESULTS, machine
from benchmarks.texts import page_texts
from raylm.corpus.dedup.cutting import character_ranges, without
from raylm.corpus.dedup.occurrences import precedence
from raylm.corpus.dedup.repeats import SENT, Loaded, answer_rows, cut_texts, repeated_ranges, sent_rows
from raylm.corpus.dedup.substrings import counted_names, name_rows
from raylm.corpus.dedup.texts import Spans, Texts
from raylm.corpus.dedup.winnow import suspects

Mask = npt.NDArray[np.bool_]
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
SEPARATOR = 0xFF
"""A byte that UTF-8 never has."""


def main() -> int:
    """Compare, print and return 0 if nothing differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=24, help="real text to compare on (24)")
    parser.add_argument("--length", type=int, default=100, help="bytes from which a passage counts (100)")
    parser.add_argument("--partitions", type=int, default=7, help="of our side (7)")
    parser.add_argument("--no-ray", action="store_true", help="leave out the step on Ray")
    parser.add_argument("--child", nargs=3, metavar=("CONTENDER", "INPUT", "OUTPUT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        contender, source, target = options.child
        return child(contender, source, target, options)
    with tempfile.TemporaryDirectory() as folder:
        rows = [real(Path(folder), options)]
        rows += [periodic(Path(folder), name, make(), options) for name, make in PERIODIC.items()]
        rows.append(fifty(Path(folder), options))
    wrong = sum(row["wrong"] for row in rows)
    print("\nall equal" if not wrong else f"\n{wrong:,} positions or texts differ")
    RESULTS.mkdir(exist_ok=True)
    target = RESULTS / "corpus_substrings.json"
    target.write_text(json.dumps({"benchmark": "corpus_substrings", "length": options.length, "partitions": options.partitions,
                                  "machine": machine(), "finished": time.strftime("%Y-%m-%d %H:%M:%S"), "texts": rows},
                                 indent=1) + "\n")
    print(f"written to {target}")
    return int(wrong > 0)


# --- texts ---


def documents(least: int) -> Iterator[str]:
    """Yield real documents, those of the shared data, then pages of installed packages until it is enough."""
    total = 0
    for text in [*shared()]:
        total += len(text.encode())
        yield text
    for _, text in page_texts(words=1500):
        if total >= least:
            return
        total += len(text.encode())
        yield text


def shared() -> Iterator[str]:
    """Yield documents of the shared data: books (two editions of three), Chinese poems, problems, web text."""
    for path in sorted(SHARED.glob("books/*.txt*")):
        raw = path.read_bytes()
        yield (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode(errors="replace").replace("\0", " ")
    for name, key in (("poetry_zh/tang.jsonl.gz", "text"), ("math/gsm8k_train.jsonl.gz", "answer"),
                      ("web_text/c4_300.jsonl.gz", "text")):
        if (SHARED / name).exists():
            with gzip.open(SHARED / name, "rt", encoding="utf-8") as lines:
                yield from (json.loads(line)[key] for line in lines)


def fibonacci(size: int) -> str:
    """Return the Fibonacci string, which is full of repeats and has no period."""
    first, second = "a", "ab"
    while len(second) < size:
        first, second = second, second + first
    return second[:size]


def scattered(size: int, seed: int = 1) -> str:
    """Return random letters."""
    return bytes(np.random.default_rng(seed).integers(97, 123, size, dtype=np.uint8)).decode()


PERIODIC: dict[str, Callable[[], list[str]]] = {
    "3 MB of one letter, in two documents": lambda: ["a" * 2_000_000, "a" * 1_000_000, scattered(1000)],
    "3 MB of period 2": lambda: ["ab" * 1_000_000, "ba" * 500_000],
    "3 MB of period 51": lambda: [scattered(51) * 60_000],
    "3 MB of period 1000": lambda: [scattered(1000) * 3_000],
    "3 MB of a Fibonacci string": lambda: [fibonacci(3_000_000)],
    "random text three times, cut differently": lambda: [
        scattered(1_000_000), scattered(1_000_000)[500:], "x" + scattered(1_000_000)[:-7]],
    "20,000 copies of one licence": lambda: [
        f"{scattered(60, number)}{scattered(400)}{scattered(60, 50_000 + number)}" for number in range(20_000)],
    "天 700,000 times": lambda: ["天" * 700_000, "天地" * 100_000],
}


# --- contenders, each in a process of its own ---


def child(contender: str, source: str, target: str, options: argparse.Namespace) -> int:
    """Judge the bytes of the documents in a file; write two masks and print time and memory."""
    texts = json.loads(Path(source).read_text())
    start = time.perf_counter()
    masks = {"suffix_array": suffix_array, "ours": ours}[contender](texts, options)
    seconds = time.perf_counter() - start
    np.savez(target, covered=masks[0], repeats=masks[1])
    print(json.dumps({"seconds": seconds, "peak": peak_memory()}))
    return 0


def peak_memory() -> float:
    """Return this process's peak resident memory in MB; of Linux's two figures the one that a parent's memory is not in."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def order_of(texts: list[str]) -> npt.NDArray[np.uint64]:
    """Return whose copy stays, by document."""
    return precedence(np.zeros(len(texts), dtype=np.int64), [str(number) for number in range(len(texts))])


def suffix_array(texts: list[str], options: argparse.Namespace) -> tuple[Mask, Mask]:
    """Return which bytes are in a repeated window, and which are in one that is not its first occurrence."""
    from pydivsufsort import divsufsort, kasai

    raw = [text.encode() for text in texts]
    data = np.frombuffer(bytes([SEPARATOR]).join(raw), dtype=np.uint8)
    length = options.length
    array = divsufsort(data.copy())
    shared = kasai(data.copy(), array)[: len(data) - 1] >= length  # of each suffix with the next
    shared = np.append(shared, np.zeros(len(data) - len(shared), dtype=bool))
    ends = np.flatnonzero(np.append(data, SEPARATOR) == SEPARATOR)
    room = np.repeat(ends, np.diff(np.append(-1, ends)))[: len(data)] - np.arange(len(data)) >= length
    shared &= room[array]  # windows over a separator are none; whoever shares the bytes of one that is, is one
    after = np.append(False, shared[:-1])
    repeated = np.zeros(len(data), dtype=bool)
    repeated[array[shared | after]] = True
    later = repeated.copy()
    chosen = np.flatnonzero(shared | after)
    group = np.cumsum(~after[chosen])
    before = np.repeat(order_of(texts), np.diff(np.append(-1, ends)))[: len(data)][array[chosen]]
    sequence = np.lexsort((array[chosen], before, group))
    firsts = np.append(True, group[sequence][1:] != group[sequence][:-1]) if len(group) else np.empty(0, dtype=bool)
    later[array[chosen][sequence[firsts]]] = False
    inside = data != SEPARATOR
    return spread(repeated, length)[inside], spread(later, length)[inside]


def spread(starts: Mask, length: int) -> Mask:
    """Return which positions are in a window that begins at one of `starts`."""
    change = np.zeros(len(starts) + length + 1, dtype=np.int32)
    change[: len(starts)] += starts
    change[length : length + len(starts)] -= starts
    return np.cumsum(change)[: len(starts)] > 0


def ours(texts: list[str], options: argparse.Namespace) -> tuple[Mask, Mask]:
    """Do the same with the step's own functions, over partitions and buckets as the step has, one after the other."""
    parts = options.partitions
    order = order_of(texts)
    owners = [np.arange(len(texts))[part::parts] for part in range(parts)]
    loaded = [Loaded(part, own, order[own], Texts.of(pa.chunked_array([pa.array([texts[one] for one in own], pa.large_string())])))
              for part, own in enumerate(owners)]
    named = pa.concat_tables([name_rows(one, options.length, 1) for one in loaded])
    repeated, _ = counted_names(named)

    def find(one: Loaded) -> Iterator[Spans]:
        names = repeated.filter(pa.compute.equal(repeated["part"], one.part))["name"].to_numpy()
        return suspects(one.texts, options.length, np.sort(names))

    sent = [sent_rows(one, spans, 1) for one in loaded for spans in find(one)]
    answers = answer_rows(pa.concat_tables([SENT.empty_table(), *sent]))
    sizes = np.array([len(text.encode()) for text in texts])
    offsets = np.append(0, np.cumsum(sizes))
    masks = np.zeros((2, offsets[-1]), dtype=bool)
    for one, own in zip(loaded, owners, strict=True):
        known = answers.filter(pa.compute.equal(answers["part"], one.part)).sort_by("place")
        for mask, keep_first in zip(masks, (False, True), strict=True):
            for begin, end in zip(*repeated_ranges(one, find, known, keep_first), strict=True):
                document = int(one.texts.document(np.array([begin]))[0])
                shift = offsets[own[document]] - one.texts.offsets[document]
                mask[begin + shift : end + shift] = True
    return masks[0], masks[1]


# --- comparisons ---


def compare(folder: Path, texts: list[str], options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Mask]]:
    """Run both on documents; print what differs, and return the figures (`wrong`: how many positions do) and the suffix array's
    masks."""
    source = folder / "texts.json"
    source.write_text(json.dumps(texts))
    found, spent = {}, {}
    for contender in ("suffix_array", "ours"):
        target = folder / f"{contender}.npz"
        command = [sys.executable, "-m", "benchmarks.corpus_substrings", "--length", str(options.length), "--partitions",
                   str(options.partitions), "--child", contender, str(source), str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{contender} failed:\n{done.stderr[-2000:]}")
        spent[contender] = json.loads(done.stdout.splitlines()[-1])
        with np.load(target, allow_pickle=False) as file:
            found[contender] = {name: file[name] for name in ("covered", "repeats")}
    wrong = 0
    for name, what in (("covered", "in a repeated passage"), ("repeats", "in a later occurrence of one")):
        theirs, own = found["suffix_array"][name], found["ours"][name]
        differ = int((theirs != own).sum())
        wrong += differ
        print(f"  {len(own):,} bytes compared, {differ} positions different; {own.mean():.3%} {what}")
    for contender, figures in spent.items():
        print(f"  {contender:12s} {figures['seconds']:8.1f} s   peak {figures['peak']:8,.0f} MB")
    return {"bytes": len(found["ours"]["covered"]), "wrong": wrong, **spent}, found["suffix_array"]


def real(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Compare on real text, with the step on Ray as well."""
    texts = list(documents(int(options.megabytes * 1e6)))
    size = sum(len(text.encode()) for text in texts)
    others = sum(not text.isascii() for text in texts)
    print(f"{len(texts):,} real documents ({others:,} not ASCII), {size / 1e6:.1f} MB of UTF-8; L = {options.length} bytes")
    row, masks = compare(folder, texts, options)
    row["wrong"] += borders(texts, masks["covered"])
    if not options.no_ray:
        row["wrong"] += on_ray(folder, texts, masks["repeats"], options)
    return {"name": "real documents", "documents": len(texts), "on_ray": not options.no_ray, **row}


def ranges_of(mask: Mask) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return where runs of true begin and end."""
    change = np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))
    return np.flatnonzero(change == 1), np.flatnonzero(change == -1)


def expected_texts(texts: list[str], mask: Mask) -> Iterator[tuple[int, str]]:
    """Yield the documents with something covered, without it, no character cut."""
    at = 0
    for number, text in enumerate(texts):
        raw = text.encode()
        starts, ends = ranges_of(mask[at : at + len(raw)])
        at += len(raw)
        if len(starts):
            yield number, without(text, character_ranges(raw, list(zip(starts.tolist(), ends.tolist(), strict=True))))


def borders(texts: list[str], mask: Mask) -> int:
    """Cut everything covered with each kind of border; return how many texts are not the original less whole characters."""
    joined = Texts.of(pa.chunked_array([pa.array(texts, pa.large_string())]))
    starts, ends = ranges_of(mask)
    between = joined.offsets[1:-1]
    edges = between[mask[between - 1] & mask[between]]  # in runs that go on into the next document
    starts, ends = np.sort(np.append(starts, edges)), np.sort(np.append(ends, edges))
    data = np.append(joined.data, 0)
    inside = int(((data[starts] & 0xC0) == 0x80).sum() + ((data[ends] & 0xC0) == 0x80).sum())
    broken = cuts = 0
    for kind in ("character", "word", "sentence", "line"):
        for done in cut_texts(joined, starts, ends, kind):
            cuts += 1
            left = done.text.encode()
            letters = iter(texts[done.document])
            subsequence = all(character.isspace() or any(character == one for one in letters) for character in left.decode())
            broken += not subsequence
    print(f"  {len(starts):,} ranges, {inside:,} of whose ends are inside a character; {cuts:,} texts cut, {broken} of them broken")
    return broken


def on_ray(folder: Path, texts: list[str], mask: Mask, options: argparse.Namespace) -> int:
    """Run the step on Ray over a read artifact made of the documents; return how many texts differ."""
    import ray

    from raylm.corpus.markers import Markers
    from raylm.corpus.parts import read_part, write_part
    from raylm.corpus.read.schema import read_schema
    from raylm.corpus.steps.base import Corpus, Work
    from raylm.corpus.steps.state import CHANGES
    from raylm.corpus.steps.substrings import Substrings
    from raylm.pipeline.quiet import quiet_ray
    from raylm.progress import Meter
    from raylm.storage import Folder

    quiet_ray()
    ray.init(address="local", num_cpus=2, include_dashboard=False, object_store_memory=500_000_000, log_to_driver=False)
    read, parts = Folder.at(folder / "read").create(), options.partitions
    for part in range(parts):
        rows: list[dict[str, Any]] = [{"id": str(number), "source": "all", "text": texts[number], "content": "prose"}
                                      for number in range(part, len(texts), parts)]
        write_part(read, part, pa.Table.from_pylist(rows, read_schema([])))
    step = Substrings(length=options.length, borders="character", min_left=0, bytes_in_one_task=0, rows_in_one_task=0)
    markers = Markers(Folder.at(folder / "out").create())
    start = time.perf_counter()
    figures = step.run(Corpus(read, None, parts, ranks={"all": 0}), Work(markers, "step", "substrings", Meter()))
    seconds = time.perf_counter() - start
    ray.shutdown()
    left = {row["row"] * parts + part: row["text"] for part in range(parts)
            for row in read_part(markers.folder.child("step"), part, CHANGES).to_pylist()}
    # What is cut whole is removed: no empty document is left.
    expected = {number: text if text.strip() else None for number, text in expected_texts(texts, mask) if text != texts[number]}
    wrong = sum((number in left, left.get(number)) != (number in expected, expected.get(number))
                for number in left.keys() | expected.keys())
    print(f"  on Ray, 2 workers, {parts} partitions, {seconds:.1f} s: {len(left):,} texts cut, {wrong} unlike the suffix array's")
    print(f"  {figures}")
    return wrong


def periodic(folder: Path, name: str, texts: list[str], options: argparse.Namespace) -> dict[str, Any]:
    """Compare on one kind of text that is hard on hashes."""
    print(f"\n{name}")
    return {"name": name, "documents": len(texts), **compare(folder, texts, options)[0]}


def fifty(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Time ours on 50 MB of one letter."""
    source, target = folder / "fifty.json", folder / "fifty.npz"
    source.write_text(json.dumps(["a" * 50_000_000, scattered(1_000_000)]))
    done = subprocess.run([sys.executable, "-m", "benchmarks.corpus_substrings", "--length", str(options.length), "--child", "ours",
                           str(source), str(target)], capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout.splitlines()[-1])
    with np.load(target, allow_pickle=False) as file:
        print(f"\n50 MB of one letter, ours: {figures['seconds']:.1f} s, peak {figures['peak']:,.0f} MB; "
              f"{int(file['repeats'].sum()):,} bytes to cut")
    return {"name": "50 MB of one letter", "documents": 2, "wrong": 0, "ours": figures}


if __name__ == "__main__":
    raise SystemExit(main())
