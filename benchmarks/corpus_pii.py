"""Personal data found in Presidio's labelled sentences: precision and recall per kind, ours beside plain patterns and Presidio.

    .venv/bin/python -m benchmarks.corpus_pii [--presidio ENVIRONMENT/bin/python]    # seconds
    python -m venv ENVIRONMENT && ENVIRONMENT/bin/pip install presidio-analyzer  # once, for the peer (no model)

The sentences are made from templates, so they are split by template: `dev` is what misses were read in, `test` shares no
template with it. (The words that speak of telephones were chosen after a look at telephone sentences of both halves: their
recall is no forecast.) A place counts as found *exactly* if both ends agree, by *overlap* if intersection over union is at
least 0.5; each gold place is matched by one found place at most, the best. Places of kinds that are not claimed are no gold; to
find a claimed kind there is an error. Presidio runs its predefined recognisers for these kinds with its default threshold; a
language model would raise scores, not find more of them. `plain` are the patterns that first come to mind. Names are found by
`titles`, which is off unless a recipe asks for it. Speed is that of the masks that are on by default, over 300 documents of C4,
in processor time.
"""

import argparse
import gzip
import hashlib
import json
import re
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.harness import RESULTS, machine
from raylm.corpus.masks import MASKS, MasksConfig

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "pii" / "presidio_spans.json.gz"
CLAIMED = {"EMAIL_ADDRESS": "email", "IP_ADDRESS": "ip", "CREDIT_CARD": "card", "IBAN_CODE": "iban", "US_SSN": "ssn",
           "PHONE_NUMBER": "phone", "PERSON": "names"}
"""Our kind by Presidio's."""
Found = tuple[int, int, str]

_PLAIN = {
    "EMAIL_ADDRESS": r"[\w.+-]+@[\w-]+\.[\w.-]+", "IP_ADDRESS": r"\b\d{1,3}(?:\.\d{1,3}){3}\b",
    "CREDIT_CARD": r"\b(?:\d[ -]?){13,16}\b",
    "IBAN_CODE": r"\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b", "US_SSN": r"\b\d{3}-\d{2}-\d{4}\b",
    "PHONE_NUMBER": r"\+?\(?\d{1,4}\)?(?:[ .-]?\(?\d{2,4}\)?){2,4}\b", "PERSON": r"\b(?:Mr|Mrs|Ms|Dr)\.? [A-Z]\w+(?: [A-Z]\w+)?",
}
_PRESIDIO = """
import json, sys
from presidio_analyzer import predefined_recognizers as p
kinds = {"EMAIL_ADDRESS": p.EmailRecognizer, "IP_ADDRESS": p.IpRecognizer, "CREDIT_CARD": p.CreditCardRecognizer,
         "IBAN_CODE": p.IbanRecognizer, "US_SSN": p.UsSsnRecognizer, "PHONE_NUMBER": p.PhoneRecognizer}
made = {kind: recogniser() for kind, recogniser in kinds.items()}
for text in json.load(sys.stdin):
    found = [(kind, place) for kind, one in made.items() for place in one.analyze(text, [kind], None) or [] if place.score > 0]
    print(json.dumps([[place.start, place.end, kind] for kind, place in found]))
"""


def ours(texts: list[str]) -> list[list[Found]]:
    """Find with all masks of ours that are claimed."""
    config = MasksConfig(names="titles")
    names = {kind: claimed for claimed, kind in CLAIMED.items()}
    return [[(start, end, names[kind]) for start, end, kind in config.find(text) if kind in names] for text in texts]


def plain(texts: list[str]) -> list[list[Found]]:
    """Find with one plain pattern per kind."""
    patterns = {kind: re.compile(pattern) for kind, pattern in _PLAIN.items()}
    return [[(*match.span(), kind) for kind, pattern in patterns.items() for match in pattern.finditer(text)] for text in texts]


def presidio(python: str) -> Callable[[list[str]], list[list[Found]]]:
    """Return how to find with Presidio's recognisers, run by the Python of an environment that has them."""
    def find(texts: list[str]) -> list[list[Found]]:
        ran = subprocess.run([python, "-c", _PRESIDIO], input=json.dumps(texts), capture_output=True, text=True, check=True)
        return [[(start, end, kind) for start, end, kind in json.loads(line)] for line in ran.stdout.splitlines()]
    return find


def _agreement(one: tuple[int, int], other: tuple[int, int]) -> float:
    """Return intersection over union of two places."""
    common = min(one[1], other[1]) - max(one[0], other[0])
    return max(0, common) / (max(one[1], other[1]) - min(one[0], other[0]))


def matched(gold: Iterable[tuple[int, int]], found: Iterable[tuple[int, int]], least: float) -> int:
    """Return how many pairs agree by at least `least`, the best first, each place in one pair."""
    pairs = sorted(((_agreement(a, b), a, b) for a in gold for b in found), reverse=True)
    used: set[tuple[str, tuple[int, int]]] = set()
    for agreement, a, b in pairs:
        if agreement >= least and ("gold", a) not in used and ("found", b) not in used:
            used |= {("gold", a), ("found", b)}
    return len(used) // 2


def scores(sentences: list[dict[str, Any]], found: list[list[Found]]) -> dict[str, dict[str, float | None]]:
    """Return precision and recall by kind, exact and by overlap, and over all kinds but names."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for sentence, places in zip(sentences, found, strict=True):
        for kind in CLAIMED:
            gold = [(s["start_position"], s["end_position"]) for s in sentence["spans"] if s["entity_type"] == kind]
            mine = [(start, end) for start, end, one in places if one == kind]
            add = [len(gold), len(mine), matched(gold, mine, 1.0), matched(gold, mine, 0.5)]
            for name in (kind, *(["all but names"] if kind != "PERSON" else [])):
                counts[name] = [a + b for a, b in zip(counts[name], add, strict=True)]
    return {kind: {"gold": gold, "found": mine, "precision": overlap / mine if mine else None, "recall": overlap / gold,
                   "exact_precision": exact / mine if mine else None, "exact_recall": exact / gold}
            for kind, (gold, mine, exact, overlap) in counts.items() if gold}


def main() -> int:
    """Print the table and write `benchmarks/results/corpus_pii.json`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presidio", help="Python of an environment with presidio-analyzer")
    parser.add_argument("--misses", action="store_true", help="print what is missed or wrong in the half for development")
    arguments = parser.parse_args()
    data = json.loads(gzip.decompress(DATA.read_bytes()))
    halves = {"dev": [s for s in data if _half(s) == 0], "test": [s for s in data if _half(s) == 1], "all": data}
    contenders = {"raylm": ours, "plain": plain} | ({"presidio": presidio(arguments.presidio)} if arguments.presidio else {})
    result: dict[str, Any] = {}
    for half, sentences in halves.items():
        result[half] = {name: scores(sentences, find([s["full_text"] for s in sentences])) for name, find in contenders.items()}
        print(f"\n{half}: {len(sentences)} sentences")
        heads = (f"{name + ': P  R (exact P  R)':31}" for name in contenders)
        print(f"{'':14} {'gold':>5}  " + "  ".join(heads))
        for kind in result[half]["raylm"]:
            cells = [result[half][name].get(kind) for name in contenders]
            print(f"{kind:14} {cells[0]['gold']:5}  " + "  ".join(map(_cell, cells)))
    if arguments.misses:
        _print_misses(halves["dev"])
    rate = speed()
    print(f"\n{rate:.1f} MB/s of web text")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "corpus_pii.json").write_text(json.dumps({
        "benchmark": "corpus_pii", "overlap": "intersection over union >= 0.5", "machine": machine(),
        "finished": time.strftime("%Y-%m-%d %H:%M:%S"), "kinds": sorted(MASKS), "mb_per_s": rate,
        "scores": result}, indent=1) + "\n")
    return 0


def speed() -> float:
    """Return the megabytes of web text that one core masks in a second, the best of five."""
    lines = gzip.decompress((DATA.parent.parent / "web_text" / "c4_300.jsonl.gz").read_bytes()).splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    config, times = MasksConfig(), []
    for _ in range(5):
        start = time.process_time()
        for text in texts:
            config.apply(text)
        times.append(time.process_time() - start)
    return sum(len(text.encode()) for text in texts) / min(times) / 1e6


_SHARES = ("precision", "recall", "exact_precision", "exact_recall")


def _cell(found: dict[str, Any]) -> str:
    shares = ["     -" if found[key] is None else f"{found[key]:6.1%}" for key in _SHARES]
    return "{} {} ({} {})".format(*shares)


def _half(sentence: dict[str, Any]) -> int:
    return hashlib.sha256(str(sentence["template_id"]).encode()).digest()[0] % 2


def _print_misses(sentences: list[dict[str, Any]]) -> None:
    for sentence, places in zip(sentences, ours([s["full_text"] for s in sentences]), strict=True):
        spans = ((s["start_position"], s["end_position"], s["entity_type"]) for s in sentence["spans"])
        gold = {span for span in spans if span[2] in CLAIMED}
        for sign, wrong in (("-", gold - set(places)), ("+", set(places) - gold)):
            for start, end, kind in sorted(wrong):
                text = sentence["full_text"]
                print(sign, kind, repr(text[start:end]), "in", repr(text[max(0, start - 60) : end + 30]))


if __name__ == "__main__":
    raise SystemExit(main())
