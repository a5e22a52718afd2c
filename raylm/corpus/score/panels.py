"""What the report shows of the score stage: how good each model is on what it was not trained on, and how its scores are spread."""

from typing import Any

from raylm.corpus.models.bins import Histogram, Scale, edge
from raylm.figures import Cell, Line, LineChart, Panel, Table

_BARS = {"share": 20, "perplexity": 16}
"""Fine bins in a step of the chart: 0.02 of a share, a quarter of a doubling."""
_LANGUAGES = 8


def panels(manifest: dict[str, Any], cost: dict[str, Any]) -> list[Panel]:
    """Return a panel for each model."""
    return [_panel(name, model) for name, model in manifest["metrics"]["models"].items()]


def _panel(name: str, model: dict[str, Any]) -> Panel:
    tables = [_languages(model)] if model["scale"] == "perplexity" else [_held_out(model), _thresholds(model)]
    what = "the perplexity of a word" if model["scale"] == "perplexity" else "the probability of the positive class"
    text = (f"A model of the kind {model['kind']}, {model['bytes'] / 1e6:,.1f} MB; its score is {what}. It scored "
            f"{model['scored']:,} documents and was not asked about {model['skipped']:,}. The curves are shares of each language's "
            "documents.")
    return Panel(f"Scores: {name}", text, [*tables, _spread(model)] if model["histograms"] else [*tables])


def _languages(model: dict[str, Any]) -> Table:
    rows: list[list[Cell]] = []
    for language, made in model["training"]["languages"].items():
        rows.append([language or "unknown", made["documents"], made["words"], made["vocabulary"], sum(made["ngrams"]),
                     made["held_out"], made["perplexity"], made["unknown"]])
    return Table(["language", "documents trained on", "words", "vocabulary", "n-grams", "documents held out",
                  "their median perplexity", "unknown words"], rows)


def _held_out(model: dict[str, Any]) -> Table:
    rows: list[list[Cell]] = [[language, found["texts"], found["positive"], found["accuracy"], found["f1"]]
                              for language, found in model["training"]["held_out"].items()]
    return Table(["language", "texts held out", "positive", "accuracy at 0.5", "F1 at 0.5"], rows)


def _thresholds(model: dict[str, Any]) -> Table:
    found = model["training"]["held_out"]["all"]["thresholds"]
    rows: list[list[Cell]] = [[row[key] for key in ("threshold", "share", "precision", "recall", "f1")] for row in found]
    return Table(["threshold", "share at or above", "precision", "recall", "F1"], rows)


def _spread(model: dict[str, Any]) -> LineChart:
    scale: Scale = model["scale"]
    most = sorted(model["histograms"].items(), key=lambda pair: (-sum(pair[1].values()), pair[0]))[:_LANGUAGES]
    lines = [_line(language or "unknown", counts, scale) for language, counts in most]
    return LineChart("perplexity" if scale == "perplexity" else "score", "share of documents", lines, log_x=scale == "perplexity")


def _line(name: str, counts: Histogram, scale: Scale) -> Line:
    wide: dict[int, int] = {}
    for number, count in counts.items():
        wide[int(number) // _BARS[scale]] = wide.get(int(number) // _BARS[scale], 0) + count
    bars = range(min(wide), max(wide) + 1)
    total = sum(wide.values())
    middles = [edge(bar * _BARS[scale] + _BARS[scale] // 2, scale) for bar in bars]
    return Line(name, middles, [wide.get(bar, 0) / total for bar in bars])
