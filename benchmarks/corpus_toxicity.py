"""The classifiers of the corpus against TF-IDF and logistic regression (scikit-learn), in one run: toxicity in English and Chinese,
and quality.

    .venv/bin/python -m benchmarks.corpus_toxicity --data ../shared/data                 # some minutes on an idle core
    .venv/bin/python -m benchmarks.corpus_toxicity --data ../shared/data --transformer   # and the slow one: some 20 minutes

English: tweets of Davidson et al. 2017, offensive or hateful against neither; a fifth of the texts, by hash, is the test. Chinese:
COLD (Deng et al. 2022), its train part for training and its dev part as the test. Quality: passages of Wikipedia articles against
passages of C4; a third of the documents is the test. A tenth of what is left is the validation part: it alone chooses thresholds
and the settings of the tuned baseline. Two baselines: scikit-learn's own defaults over words (rjieba's for Chinese), and the best
on the validation part of words, word pairs and character n-grams at C = 1 and 10. Ours run with the defaults of a recipe.
"""

import argparse
import csv
import gzip
import io
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import RESULTS, machine
from raylm.corpus.models import MODELS, Examples
from raylm.corpus.models.measuring import at_threshold

Scores = NDArray[np.float64]
Score = Callable[[Sequence[str]], Scores]
PASSAGE = 1_000
VALIDATION = 0.1
LABELLED: list[dict[str, Any]] = [{"path": "the benchmark's own", "positive": [1]}]
THRESHOLDS = np.arange(5, 96) / 100


@dataclass
class Part:
    """Texts and whether each is of the positive class."""

    texts: list[str] = field(default_factory=list)
    labels: list[bool] = field(default_factory=list)

    def add(self, text: str, positive: bool) -> None:
        """Add one."""
        self.texts.append(text)
        self.labels.append(positive)

    @property
    def positive(self) -> NDArray[np.bool_]:
        """The classes as an array."""
        return np.array(self.labels, dtype=bool)


@dataclass
class Task:
    """One classification with its three parts."""

    name: str
    train: Part = field(default_factory=Part)
    validation: Part = field(default_factory=Part)
    test: Part = field(default_factory=Part)

    def add(self, key: str, text: str, positive: bool, test: bool) -> None:
        """Put a text into its part; `key` decides on validation, so that equal ones stay together."""
        part = self.test if test else self.validation if place("validation", key) < VALIDATION else self.train
        part.add(text, positive)


def place(use: str, key: str) -> float:
    """Return where in [0, 1) a key falls."""
    digest = blake2b(f"{use}:{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def rows(path: Path) -> Iterator[dict[str, str]]:
    """Return the rows of a CSV file."""
    with gzip.open(path) as stream:
        yield from csv.DictReader(io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""))


def english(data: Path) -> Task:
    """Return Davidson's tweets."""
    task = Task("toxicity, English")
    for row in rows(data / "toxicity/davidson_en.csv.gz"):
        task.add(row["tweet"], row["tweet"], row["class"] != "2", place("test", row["tweet"]) < 0.2)
    return task


def chinese(data: Path) -> Task:
    """Return COLD's comments."""
    task = Task("toxicity, Chinese")
    for name in ("train", "dev"):
        for row in rows(data / f"toxicity/cold_zh_{name}.csv.gz"):
            task.add(row["TEXT"], row["TEXT"], row["label"] == "1", name == "dev")
    return task


def quality(data: Path) -> Task:
    """Return passages of Wikipedia (positive) and C4."""
    task = Task("quality, English")
    with gzip.open(data / "web_text/wikipedia_30.txt.gz", "rt", encoding="utf-8") as stream:
        articles = [line for line in stream.read().split("\n") if len(line) > PASSAGE]
    with gzip.open(data / "web_text/c4_300.jsonl.gz", "rt", encoding="utf-8") as stream:
        pages = [str(json.loads(line)["text"]) for line in stream]
    for positive, documents in ((True, articles), (False, pages)):
        for document in documents:
            key = document[:200]
            for start in range(0, len(document), PASSAGE):
                if len(document) - start > PASSAGE // 4:
                    task.add(key, document[start:start + PASSAGE], positive, place("test", key) < 1 / 3)
    return task


def baselines(task: Task) -> dict[str, Score]:
    """Return scikit-learn's default and the one that is best on the validation part."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    def fitted(strength: float, **options: Any) -> Score:
        vectorizer = TfidfVectorizer(**options)
        model = LogisticRegression(C=strength, max_iter=1000).fit(vectorizer.fit_transform(task.train.texts), task.train.positive)
        return lambda texts: np.asarray(model.predict_proba(vectorizer.transform(texts))[:, 1])

    split: dict[str, Any] = {"tokenizer": _segmented, "token_pattern": None} if "Chinese" in task.name else {}
    options = [{**split}, {**split, "ngram_range": (1, 2), "sublinear_tf": True},
               {"analyzer": "char", "ngram_range": (1, 3) if split else (2, 5), "sublinear_tf": True}]
    tried = [fitted(strength, **one) for one in options for strength in (1.0, 10.0)]
    best = max(tried, key=lambda score: tuned(score(task.validation.texts), task.validation.positive)[1])
    return {"TF-IDF + LR, defaults": tried[0], "TF-IDF + LR, tuned": best}


def _segmented(text: str) -> list[str]:
    import rjieba

    return [word for word in rjieba.cut(text) if word.strip()]


def ours(task: Task, kinds: Sequence[str]) -> dict[str, Score]:
    """Train raylm's models as the score stage does, with the defaults of a recipe."""
    texts = task.train.texts + task.validation.texts
    held_out = np.arange(len(texts)) >= len(task.train.texts)
    examples = Examples(texts, [""] * len(texts), np.array(task.train.labels + task.validation.labels, dtype=bool), held_out)
    found: dict[str, Score] = {}
    for kind in kinds:
        found[f"raylm {kind}"] = _asked(MODELS[kind].model_validate({"name": kind, "kind": kind, "labelled": LABELLED}), examples)
    return found


def _asked(config: Any, examples: Examples) -> Score:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for name, data in config.train(examples, 0).files.items():
            (Path(folder) / name).write_bytes(data)
        scorer = config.load(Path(folder))
    return lambda texts: np.nan_to_num(scorer.score(texts, [""] * len(texts)))


def tuned(scores: Scores, positive: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the threshold with the best F1, and that."""
    return max(((float(one), at_threshold(scores, positive, float(one))["f1"]) for one in THRESHOLDS), key=lambda pair: pair[1])


def measure(task: Task, contenders: dict[str, Score]) -> list[dict[str, Any]]:
    """Return a row for each contender, and one for the mean of ours."""
    found: dict[str, tuple[Scores, Scores, float]] = {}
    size = sum(len(text.encode()) for text in task.test.texts) / 1e6
    for name, score in contenders.items():
        validation, started = score(task.validation.texts), time.monotonic()
        test = score(task.test.texts)
        found[name] = (validation, test, size / (time.monotonic() - started))
    mine = [pair for name, pair in found.items() if name.startswith("raylm")]
    found["raylm, mean of these"] = (np.mean([one for one, _, _ in mine], 0), np.mean([one for _, one, _ in mine], 0),
                                     1 / sum(1 / rate for _, _, rate in mine))
    result = []
    for name, (validation, test, rate) in found.items():
        threshold, _ = tuned(validation, task.validation.positive)
        half, best = (at_threshold(test, task.test.positive, one) for one in (0.5, threshold))
        other = at_threshold(1 - test, ~task.test.positive, 0.5)
        result.append({"task": task.name, "model": name, "f1": half["f1"], "f1_tuned": best["f1"], "threshold": threshold,
                       "f1_macro": (half["f1"] + other["f1"]) / 2, "megabytes_per_second": rate})
    return result


def main() -> int:
    """Run all tasks, print the table and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with toxicity/ and web_text/")
    parser.add_argument("--transformer", action="store_true", help="train the transformer too")
    parser.add_argument("--only", choices=("english", "chinese", "quality"), nargs="*", help="these tasks alone")
    arguments = parser.parse_args()
    kinds = ["fasttext", "linear", *(["transformer"] if arguments.transformer else [])]
    makers = {"english": english, "chinese": chinese, "quality": quality}
    result, verdicts = [], []
    print(f"{'task':20s} {'model':26s} {'F1 at 0.5':>10s} {'F1 tuned':>10s} {'macro F1':>10s} {'MB/s':>8s}")
    for name, make in makers.items():
        if arguments.only and name not in arguments.only:
            continue
        task = make(arguments.data)
        found = measure(task, {**baselines(task), **ours(task, kinds)})
        for row in found:
            print(f"{row['task']:20s} {row['model']:26s} {row['f1']:10.4f} {row['f1_tuned']:10.4f} {row['f1_macro']:10.4f} "
                  f"{row['megabytes_per_second']:8.2f}", flush=True)
        theirs = max(row["f1_tuned"] for row in found if row["model"].startswith("TF-IDF"))
        best = max((row for row in found if row["model"].startswith("raylm")), key=lambda row: row["f1_tuned"])
        verdicts.append({"task": task.name, "train": len(task.train.texts), "test": len(task.test.texts), "best_baseline": theirs,
                         "best_ours": best["f1_tuned"], "model": best["model"], "above": best["f1_tuned"] > theirs})
        print(f"{'':20s} {best['model']} {best['f1_tuned']:.4f} against {theirs:.4f}: "
              f"{'above' if verdicts[-1]['above'] else 'NOT ABOVE'} the better baseline")
        result += found
    RESULTS.mkdir(exist_ok=True)
    target = RESULTS / "corpus_toxicity.json"
    target.write_text(json.dumps({"benchmark": "corpus_toxicity", "machine": machine(), "verdicts": verdicts, "rows": result,
                                  "finished": time.strftime("%Y-%m-%d %H:%M:%S")}, indent=1) + "\n")
    print(f"written to {target}")
    return 0 if all(verdict["above"] for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
