"""The whole corpus pipeline over Chinese text: Tang poems, documentation, and web comments of which half offend.

    python -m benchmarks.corpus_chinese --docs FOLDER... [--data ../shared/data]

FOLDER holds Chinese documentation as HTML, such as Debian's reference in zh-cn and zh-tw. A classifier is trained on the comments'
training labels and asked about all; a language model judges fluency; traditional characters become simplified ones, so that the two
editions of one page meet. Printed: the funnel, what went and why with the beginning of two documents of each reason, what stays of
each source, and how the classifier's removals compare with the labels of comments that it never saw.
"""

import argparse
import csv
import gzip
import io
import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.harness import RESULTS, machine
from benchmarks.stages import build_corpus

THRESHOLD = 0.5


def config(data: Path, docs: list[str], place: Path) -> dict[str, Any]:
    """Return the corpus section."""
    return {
        "sources": [
            {"name": "poems", "kind": "folder", "path": str(data / "poetry_zh"), "columns": {"author": "author", "title": "title"}},
            {"name": "docs", "kind": "folder", "path": docs, "include": ["*zh*.html", "*zh*/*.html"], "extract": "trafilatura",
             "content": "prose"},
            {"name": "comments", "kind": "folder", "path": str(place / "comments"), "columns": {"label": "label"}},
        ],
        "clean": {"chinese": "simplified", "invisible": True},
        "models": [
            {"name": "toxic", "kind": "linear", "sources": ["comments"],
             "labelled": [{"path": str(data / "toxicity" / "cold_zh_train.csv.gz"), "text_column": "TEXT", "label_column": "label",
                           "positive": [1], "language": "zh"}]},
            {"name": "fluency", "kind": "ngram", "order": 4, "sample_mb": 10, "languages": ["zh"]},
        ],
        "steps": [
            {"do": "language", "allowed": ["zh"], "min_score": 0.5},
            {"do": "words", "min": 25, "sources": ["docs"]},
            {"do": "words", "min": 8, "sources": ["comments"]},
            {"do": "gopher_repetition", "sources": ["docs"]},
            {"do": "markup", "sources": ["docs"]},
            {"do": "score", "model": "toxic", "most": THRESHOLD, "sources": ["comments"]},
            {"do": "perplexity", "model": "fluency", "most_percentile": 99.5},
            {"do": "personal_data", "most": 5},
            {"do": "exact"},
            {"do": "near", "threshold": 0.7},
            {"do": "substrings", "length": 90, "borders": "sentence"},
        ],
    }


def write_comments(data: Path, folder: Path) -> dict[str, int]:
    """Write the labelled comments that no model is trained on as JSON lines; return each one's label by its text."""
    folder.mkdir()
    labels = {}
    text = gzip.decompress((data / "toxicity" / "cold_zh_dev.csv.gz").read_bytes()).decode("utf-8-sig")
    with (folder / "comments.jsonl").open("w") as out:
        for row in csv.DictReader(io.StringIO(text)):
            labels[row["TEXT"]] = int(row["label"])
            out.write(json.dumps({"text": row["TEXT"], "label": int(row["label"])}, ensure_ascii=False) + "\n")
    return labels


def judged(place: Path) -> dict[str, float]:
    """Return how the removals by the classifier agree with the labels that the comments carry."""
    import pyarrow.parquet as pq

    removed = {row["id"] for path in (place / "corpus" / "removed").glob("*.parquet")
               for row in pq.read_table(path, columns=["id", "step"]).to_pylist() if row["step"] == "score"}
    reached = {row["id"] for folder in ("documents", "removed") for path in (place / "corpus" / folder).glob("*.parquet")
               for row in pq.read_table(path).to_pylist() if row.get("step") not in ("read", "language", "words", "words 2")}
    hits = wrong = missed = 0
    for path in (place / "read" / "documents").glob("*.parquet"):
        for row in pq.read_table(path, columns=["id", "source", "metadata"]).to_pylist():
            if row["source"] == "comments" and row["id"] in reached:
                offends = json.loads(row["metadata"])["label"] == 1
                hits += offends and row["id"] in removed
                wrong += not offends and row["id"] in removed
                missed += offends and row["id"] not in removed
    precision, recall = hits / max(hits + wrong, 1), hits / max(hits + missed, 1)
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / max(precision + recall, 1e-9)}


def shown(metrics: dict[str, Any]) -> None:
    """Print the funnel, the reasons with examples, and what stays."""
    print(f"{'step':22} {'source':9} {'documents in':>13} {'out':>8} {'changed':>8} {'kB in':>9} {'kB out':>9}")
    for row in metrics["funnel"]:
        print(f"{row['step']:22} {row['source']:9} {row['documents_in']:>13,} {row['documents_out']:>8,} "
              f"{row['edited']:>8,} {row['bytes_in'] / 1e3:>9,.0f} {row['bytes_out'] / 1e3:>9,.0f}")
    print("\nwhat went, for example:")
    told: dict[tuple[str, str], int] = {}
    for row in metrics["samples"]:
        key = (row["step"], row["reason"])
        told[key] = told.get(key, 0) + 1
        if told[key] <= 2:
            count = metrics["reasons"][row["step"]][row["reason"]]
            begins = " ".join(row["text"].split())[:90]
            print(f"  {row['step']}: {row['reason']} ({count:,}): [{row['source']}] {begins}")


def main() -> int:
    """Run the pipeline and print what it did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--docs", nargs="+", required=True, help="folders of Chinese HTML (with zh in the names)")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments = parser.parse_args()
    data = arguments.data.resolve()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        labels = write_comments(data, place / "comments")
        build_corpus(place / "made", config(data, arguments.docs, place))
        metrics = json.loads((place / "made" / "corpus" / "manifest.json").read_text())["metrics"]
        agreement = judged(place / "made")
    shown(metrics)
    print(f"\ncomments removed as offensive, of those that the step judged, against their labels ({len(labels):,} comments, "
          f"{sum(labels.values()):,} offend): "
          f"precision {agreement['precision']:.3f}, recall {agreement['recall']:.3f}, F1 {agreement['f1']:.3f}")
    RESULTS.mkdir(exist_ok=True)
    result = {"funnel": metrics["funnel"], "reasons": metrics["reasons"], "offensive": agreement, "machine": machine()}
    (RESULTS / "corpus_chinese.json").write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
