"""HTML to main text, against hand-marked articles: F1 and pages a second of our ways and of the libraries alone, in one run.

    python -m benchmarks.corpus_extraction --data ../shared/data

The pages and their marked texts are those of scrapinghub/article-extraction-benchmark, and so is the measure: shingles of four
words (`\\w+`) are counted in both texts; precision and recall of each page are averaged over the pages, and F1 is made of the
averages. Ours run as in a corpus: through the child process and its limits. Contenders take turns for several rounds, because
machines drift.
"""

import argparse
import gzip
import json
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.harness import RESULTS, machine
from raylm.corpus.encoding import decode_html
from raylm.corpus.extract.sandbox import sandbox
from raylm.corpus.files import ReadError

Extract = Callable[[str], str]
_WORD = re.compile(r"\w+")


def contenders() -> dict[str, Extract]:
    """Return what takes part, by name; imports happen here, outside the clock."""
    import html2text
    import trafilatura
    from resiliparse.extract.html2text import extract_plain_text

    return {
        "raylm (default)": _ours("trafilatura"),
        "raylm (resiliparse)": _ours("resiliparse"),
        "raylm (visible)": _ours("visible"),
        "trafilatura": lambda page: trafilatura.extract(page) or "",
        "trafilatura fast": lambda page: trafilatura.extract(page, fast=True) or "",
        "trafilatura precision": lambda page: trafilatura.extract(page, favor_precision=True) or "",
        "resiliparse": lambda page: str(extract_plain_text(page, main_content=True)),
        "html2text": lambda page: html2text.html2text(page),
    }


def _ours(extractor: str) -> Extract:
    def extract(page: str) -> str:
        try:
            return sandbox(extractor, 10.0).text(page)
        except ReadError:
            return ""

    extract("<p>The child is started before the clock is.</p>")
    return extract


def shingles(text: str, size: int = 4) -> Counter[tuple[str, ...]]:
    """Count the runs of `size` words in a text; a shorter text is one run."""
    words = _WORD.findall(text)
    return Counter(tuple(words[start : start + size]) for start in range(max(1, len(words) - size + 1)) if words)


def scores(expected: list[str], found: list[str]) -> dict[str, float]:
    """Return precision, recall and F1 over pages, each page counting the same. Pages without text say nothing of precision."""
    precisions, recalls = [], []
    for true, got in zip(map(shingles, expected), map(shingles, found), strict=True):
        both = sum((true & got).values())
        if got:
            precisions.append(both / sum(got.values()))
        if true:
            recalls.append(both / sum(true.values()))
    precision, recall = statistics.mean(precisions or [0.0]), statistics.mean(recalls or [0.0])
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"f1": f1, "precision": precision, "recall": recall}


def pages(data: Path) -> tuple[list[str], list[str]]:
    """Return the pages' HTML and their marked texts."""
    truth = json.loads((data / "web" / "ground-truth.json").read_text())
    html = [decode_html(gzip.decompress((data / "web" / "html" / f"{page}.html.gz").read_bytes())) for page in sorted(truth)]
    return html, [truth[page]["articleBody"] for page in sorted(truth)]


def main() -> int:
    """Print the table and write it as JSON; the status is 1 if our default is below trafilatura's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds web/")
    parser.add_argument("--rounds", type=int, default=3, help="how often each contender runs (3)")
    arguments = parser.parse_args()
    html, expected = pages(arguments.data)
    taking_part = contenders()
    rates: dict[str, list[float]] = {name: [] for name in taking_part}
    result: dict[str, dict[str, Any]] = {}
    for _ in range(arguments.rounds):
        for name, extract in taking_part.items():
            start = time.perf_counter()
            found = [extract(page) for page in html]
            rates[name].append(len(html) / (time.perf_counter() - start))
            result[name] = scores(expected, found) | {"without text": sum(not text.strip() for text in found)}
    print(f"{len(html)} pages, {arguments.rounds} rounds, one core each; pages/s: median (minimum - maximum)\n")
    print(f"{'':24s}{'F1':>8s}{'precision':>11s}{'recall':>8s}   pages/s")
    for name, own in sorted(result.items(), key=lambda item: -item[1]["f1"]):
        own["pages/s"] = rates[name]
        speed = f"{statistics.median(rates[name]):7.0f} ({min(rates[name]):.0f} - {max(rates[name]):.0f})"
        print(f"{name:24s}{own['f1']:8.4f}{own['precision']:11.4f}{own['recall']:8.4f}{speed}")
    best = max(own["f1"] for name, own in result.items() if name.startswith("trafilatura"))
    ours = result["raylm (default)"]["f1"]
    theirs = result["trafilatura"]["f1"]
    print(f"\nraylm's default: F1 {ours:.4f}; trafilatura's default {theirs:.4f}, its best setting here {best:.4f}")
    RESULTS.mkdir(exist_ok=True)
    target = RESULTS / "corpus_extraction.json"
    target.write_text(json.dumps({"benchmark": "corpus_extraction", "pages": len(html), "machine": machine(), "contenders": result,
                                  "finished": time.strftime("%Y-%m-%d %H:%M:%S")}, indent=1) + "\n")
    print(f"written to {target}")
    return 0 if ours >= theirs else 1


if __name__ == "__main__":
    raise SystemExit(main())
