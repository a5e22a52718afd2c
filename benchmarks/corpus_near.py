"""How well near-duplicates are found: against brute-force Jaccard over all pairs of real documents, planted edits among them, and
against the closed-form curve of banding.

`python -m benchmarks.corpus_near [--documents 20000] [--data ../shared/data]`: real pages of this machine's packages, a tenth of
them planted once more with words changed until a drawn Jaccard similarity is reached, and the two editions of each book cut into
pages. The corpus stages then run as in any recipe, with and without verification, and every removal is compared with the truth.
"""

import argparse
import gzip
import json
import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from benchmarks.harness import RESULTS, machine
from benchmarks.texts import page_texts, pages
from raylm.corpus.dedup.shingling import shingles
from raylm.corpus.dedup.signatures import band_keys, bands_and_rows, probability, signatures
from raylm.corpus.text import TextView

THRESHOLD, PERMUTATIONS, SHINGLE = 0.8, 128, 5
F64 = npt.NDArray[np.float64]
Pair = tuple[str, str, float | None]
"""A removed text, the one that stays, their similarity."""


def planted(text: str, jaccard: float, rng: random.Random) -> str:
    """Return a text with single words replaced, so many that the Jaccard similarity of its 5-shingles falls to about `jaccard`."""
    words = text.split(" ")
    # A replaced word alone changes five shingles of n: J = (n - 5k) / (n + 5k).
    changes = max(1, round(len(words) / SHINGLE * (1 - jaccard) / (1 + jaccard)))
    for place in rng.sample(range(len(words)), min(changes, len(words))):
        words[place] = f"{words[place]}{rng.randrange(10**6)}"
    return " ".join(words)


def documents(count: int, data: Path) -> list[tuple[str, str]]:
    """Return (name, text): real pages, planted copies, and the pages of the books' editions."""
    rng = random.Random(1)
    found: list[tuple[str, str]] = []
    for name, text in page_texts():
        found.append((name, text))
        if len(found) >= count:
            break
    for name, text in rng.sample(found, count // 10):
        found.append((f"planted:{name}", planted(text, rng.uniform(0.5, 0.99), rng)))
    for path in sorted((data / "books").glob("*.gz")) if data.is_dir() else []:
        book = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
        found += [(f"book:{path.name}#{number}", page) for number, page in enumerate(pages(book, 300)) if len(page.split()) >= 60]
    return found


def similar_pairs(sets: list[npt.NDArray[np.uint64]], least: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], F64]:
    """Return (i, j, Jaccard) of all pairs i < j of at least `least`, by counting every shared shingle of every pair."""
    _, flat = np.unique(np.concatenate(sets), return_inverse=True)
    sizes = np.array([len(one) for one in sets])
    matrix = csr_matrix((np.ones(len(flat), dtype=np.int32), flat, np.concatenate([[0], np.cumsum(sizes)])))
    turned = matrix.T.tocsr()
    rows, columns, values = [], [], []
    for start in range(0, len(sets), 512):
        shared = (matrix[start : start + 512] @ turned).tocoo()
        i, j = shared.row + start, shared.col
        chosen = i < j
        i, j, both = i[chosen], j[chosen], shared.data[chosen]
        jaccard = both / (sizes[i] + sizes[j] - both)
        near = jaccard >= least
        rows.append(i[near])
        columns.append(j[near])
        values.append(jaccard[near])
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(values)


def curve(i: npt.NDArray[np.int64], j: npt.NDArray[np.int64], jaccard: F64, sets: list[Any]) -> list[dict[str, float]]:
    """Return for bins of similarity how many pairs share a band, and how many the closed form expects, with its standard
    deviation."""
    banding = bands_and_rows(THRESHOLD, PERMUTATIONS, 0.95)
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in sets])]).astype(np.int64)
    keys = band_keys(signatures(np.concatenate(sets), offsets, PERMUTATIONS), *banding)
    found = (keys[i] == keys[j]).any(axis=1)
    chance = np.array([probability(value, *banding) for value in jaccard])
    out = []
    for low in np.arange(0.5, 1.0, 0.05):
        here = (jaccard >= low) & (jaccard < low + 0.05)
        if here.any():
            out.append({"from": round(float(low), 2), "pairs": int(here.sum()), "found": int(found[here].sum()),
                        "expected": float(chance[here].sum()),
                        "deviation": float(np.sqrt((chance[here] * (1 - chance[here])).sum()))})
    return out


def removed_by_raylm(texts: list[tuple[str, str]], verify: bool) -> dict[str, Pair]:
    """Build a corpus of the documents with the near step alone; return for each removed id both texts and the similarity told."""
    import pyarrow.parquet as pq

    from benchmarks.stages import build_corpus

    with tempfile.TemporaryDirectory() as place:
        source = Path(place) / "text"
        source.mkdir()
        with (source / "documents.jsonl").open("w") as file:
            for name, text in texts:
                file.write(json.dumps({"text": text, "name": name}) + "\n")
        corpus = build_corpus(Path(place) / "out", {
            "sources": [{"name": "pages", "kind": "folder", "path": str(source)}], "language": "off",
            "steps": [{"do": "near", "threshold": THRESHOLD, "permutations": PERMUTATIONS, "shingle": SHINGLE, "verify": verify}]})
        read = [row for path in sorted((Path(place) / "out" / "read" / "documents").glob("*.parquet"))
                for row in pq.read_table(path, columns=["id", "text"]).to_pylist()]
        # Cleaning may change white space; documents are told apart by the text that was compared.
        where = {row["id"]: row["text"] for row in read}
        removed = [row for path in sorted((corpus / "removed").glob("*.parquet")) for row in pq.read_table(path).to_pylist()]
        return {row["id"]: (where[row["id"]], where[row["duplicate_of"]], row["similarity"]) for row in removed}


def jaccard_of(one: str, other: str) -> float:
    """Return the Jaccard similarity of two texts' shingle sets, by Python's own sets of tuples of tokens."""
    a, b = (set(zip(*(TextView(text).tokens[at:] for at in range(SHINGLE)), strict=False)) for text in (one, other))
    return len(a & b) / len(a | b)


def main() -> int:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=20_000, help="real pages (20000)")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with books/")
    arguments = parser.parse_args()
    texts = documents(arguments.documents, arguments.data)
    sets = [shingles(text, SHINGLE) for _, text in texts]
    keep = [place for place, one in enumerate(sets) if len(one) >= 10]
    texts, sets = [texts[place] for place in keep], [sets[place] for place in keep]
    i, j, jaccard = similar_pairs(sets, 0.5)
    near = jaccard >= THRESHOLD
    print(f"{len(texts):,} documents, {sum(len(text) for _, text in texts) / 1e6:,.0f} MB; brute force: {len(i):,} pairs of 0.5 or "
          f"more, {int(near.sum()):,} of {THRESHOLD} or more")
    rows = curve(i, j, jaccard, sets)
    print(f"\n{'Jaccard':>12} {'pairs':>10} {'candidates':>11} {'closed form':>12} {'deviations':>11}")
    for row in rows:
        sigma = (row["found"] - row["expected"]) / max(row["deviation"], 1e-9) if row["deviation"] > 0.05 else 0.0
        print(f"{row['from']:.2f} - {row['from'] + 0.05:.2f} {row['pairs']:>10,} {row['found']:>11,} {row['expected']:>12,.1f} "
              f"{sigma:>+11.2f}")
    result: dict[str, Any] = {"documents": len(texts), "pairs": int(near.sum()), "curve": rows, "machine": machine()}
    partner = np.zeros(len(texts), dtype=bool)
    partner[i[near]] = partner[j[near]] = True
    for verify in (False, True):
        removed = removed_by_raylm(texts, verify)
        truth = np.array([jaccard_of(one, other) for one, other, _ in removed.values()])
        told = np.array([similarity or 0.0 for _, _, similarity in removed.values()])
        precision = float((truth >= THRESHOLD).mean()) if len(truth) else 1.0
        left = pairs_left(texts, removed, i[near], j[near])
        recall = 1 - left / max(int(near.sum()), 1)
        name = "verified" if verify else "not verified"
        print(f"\n{name}: {len(removed):,} removed; precision {precision:.4f} (removed documents whose Jaccard with the kept one "
              f"is {THRESHOLD} or more); recall {recall:.4f} (similar pairs of which not both are left)")
        if verify:
            print(f"similarity told against Python's sets: largest difference {np.abs(truth - told).max():.1e}")
        result[name] = {"removed": len(removed), "precision": precision, "recall": recall}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "corpus_near.json").write_text(json.dumps(result, indent=1) + "\n")
    return 0 if result["verified"]["precision"] == 1.0 else 1


def pairs_left(texts: list[tuple[str, str]], removed: dict[str, Pair], i: Any, j: Any) -> int:
    """Return how many of the similar pairs are both left. Equal texts count as often as they were removed."""
    from raylm.corpus.cleaning import clean

    gone: dict[str, int] = {}
    for one, _, _ in removed.values():
        gone[one] = gone.get(one, 0) + 1
    state = np.zeros(len(texts), dtype=bool)
    for place, (_, text) in enumerate(texts):
        cleaned = clean(text)
        if gone.get(cleaned, 0):
            gone[cleaned] -= 1
            state[place] = True
    return int((~state[i] & ~state[j]).sum())


if __name__ == "__main__":
    raise SystemExit(main())
