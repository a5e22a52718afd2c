"""What the report shows of the corpus: the funnel, the reasons with examples to look at, what was masked, the largest clusters."""

from typing import Any

from raylm.corpus.funnel import STEPS
from raylm.figures import BarChart, Cell, Panel, Table


def panels(manifest: dict[str, Any], cost: dict[str, Any]) -> list[Panel]:
    """Return the corpus stage's panels."""
    metrics = manifest["metrics"]
    found = [_funnel(metrics), _reasons(metrics), _masked(metrics)]
    return [*found, _clusters(metrics)] if metrics["clusters"] else found


def _funnel(metrics: dict[str, Any]) -> Panel:
    rows = metrics["funnel"]
    sources = sorted({row["source"] for row in rows})
    stages = ["found", *(STEPS[step] for step in STEPS)]

    def series(source: str, unit: str, scale: float) -> list[float]:
        mine = {row["step"]: row for row in rows if row["source"] == source}
        return [mine["read"][f"{unit}_in"] / scale, *(mine[step][f"{unit}_out"] / scale for step in STEPS)]

    table = Table(
        ["step", "source", "documents in", "documents out", "removed", "MB in", "MB out"],
        [_funnel_row(row) for row in rows],
    )
    return Panel(
        "Corpus: the funnel",
        "What is left after each step, by source. A file that gives several documents counts as several; docstrings count the "
        "bytes of their modules until they are taken out of them.",
        [
            BarChart("MB of text", stages, {source: series(source, "bytes", 1e6) for source in sources}, stacked=True),
            BarChart("documents", stages, {source: series(source, "documents", 1) for source in sources}, stacked=True),
            table,
        ],
    )


def _funnel_row(row: dict[str, Any]) -> list[Cell]:
    before, after = row["documents_in"], row["documents_out"]
    megabytes = [round(row["bytes_in"] / 1e6, 2), round(row["bytes_out"] / 1e6, 2)]
    return [STEPS[row["step"]], row["source"], before, after, before - after, *megabytes]


def _reasons(metrics: dict[str, Any]) -> Panel:
    rows = [(count, STEPS[step], reason) for step, found in metrics["reasons"].items() for reason, count in found.items()]
    rows.sort(reverse=True)
    samples = metrics["samples"]
    table = Table(
        ["step", "reason", "documents", "for example"],
        [[step, reason, count, ", ".join(samples.get(reason, [])[:3])] for count, step, reason in rows],
    )
    removed = {"removed": [float(count) for count, _, _ in rows]}
    chart = BarChart("documents", [reason for _, _, reason in rows], removed, horizontal=True)
    return Panel(
        "Corpus: why documents were removed",
        "Every removed document is in the artifact's `removed` table with its reason; these are the counts, and a few to look at.",
        [chart, table] if rows else [],
    )


def _masked(metrics: dict[str, Any]) -> Panel:
    kinds = sorted({kind for found in metrics["masked"].values() for kind in found})
    rows: list[list[Cell]] = [[source, *(found.get(kind, 0) for kind in kinds)] for source, found in metrics["masked"].items()]
    return Panel(
        "Corpus: personal data",
        "Places where a placeholder stands for an e-mail address, a public IP address or a telephone number, in all documents that "
        "were read.",
        [Table(["source", *kinds], rows)],
    )


def _clusters(metrics: dict[str, Any]) -> Panel:
    lsh = metrics["lsh"]
    rows: list[list[Cell]] = [[row["path"], row["source"], row["members"]] for row in metrics["clusters"]]
    return Panel(
        "Corpus: the largest clusters of duplicates",
        f"MinHash with {lsh['bands']} bands of {lsh['rows']} rows, for a Jaccard similarity of {lsh['threshold']}. A very large "
        "cluster is worth a look: chains of similar documents can join what is not alike.",
        [Table(["kept document", "source", "duplicates removed"], rows)],
    )
