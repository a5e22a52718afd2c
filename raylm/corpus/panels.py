"""What the report shows of the corpus: the funnel, why documents went, what other thresholds would keep, and the largest
clusters."""

from typing import Any

from raylm.corpus.funnel import CLEAN, READ, shown
from raylm.corpus.rules.whatif import FACTORS, bin_start
from raylm.figures import BarChart, Cell, LineChart, Panel, Table
from raylm.figures import Line as Curve

_EXCERPT, _PATH = 160, 40
_MOST_CHARTS = 24


def panels(manifest: dict[str, Any], cost: dict[str, Any]) -> list[Panel]:
    """Return the corpus stage's panels."""
    metrics = manifest["metrics"]
    trials = [trial for found in metrics["details"].values() for trial in found.get("trials", [])]
    found = [_funnel(metrics), _reasons(metrics), _samples(metrics)]
    if trials:
        found += [_what_if(trials), _histograms(trials)]
    for details in metrics["details"].values():
        if details.get("clusters"):
            found.append(_clusters(details))
        if details.get("listed"):
            found.append(_matches(details))
    return found


def _funnel(metrics: dict[str, Any]) -> Panel:
    rows, steps = metrics["funnel"], [READ, CLEAN, *metrics["steps"]]
    sources = sorted({row["source"] for row in rows})
    stages = ["found", *(shown(step) for step in steps)]

    def series(source: str, unit: str, scale: float) -> list[float]:
        mine = {row["step"]: row for row in rows if row["source"] == source}
        return [mine[READ][f"{unit}_in"] / scale, *(mine[step][f"{unit}_out"] / scale for step in steps)]

    table = Table(["step", "source", "documents in", "documents out", "removed", "changed", "MB in", "MB out"],
                  [_funnel_row(row) for row in rows])
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
    return [shown(row["step"]), row["source"], before, after, before - after, row["edited"], *megabytes]


def _reasons(metrics: dict[str, Any]) -> Panel:
    rows = [(count, shown(step), reason) for step, found in metrics["reasons"].items() for reason, count in found.items()]
    rows.sort(reverse=True)
    table = Table(["step", "reason", "documents"], [[step, reason, count] for count, step, reason in rows])
    removed = {"removed": [float(count) for count, _, _ in rows]}
    chart = BarChart("documents", [reason for _, _, reason in rows], removed, horizontal=True)
    return Panel("Corpus: why documents were removed",
                 "Every removed document is in the artifact's `removed` table with its reason; these are the counts.",
                 [chart, table] if rows else [])


def _samples(metrics: dict[str, Any]) -> Panel:
    rows: list[list[Cell]] = [
        [f"{shown(row['step'])}: {row['reason']}", excerpt(row["text"]), f"{row['source']}: {_tail(row['path'])}"]
        for row in metrics["samples"]]
    return Panel("Corpus: what went, to look at", "A few documents of each reason, chosen by a hash, as they were after cleaning "
                 "and masking: a rule that removes what should have stayed shows here first.",
                 [Table(["why", "begins with", "where"], rows)] if rows else [])


def _tail(path: str) -> str:
    return path if len(path) <= _PATH else f"…{path[1 - _PATH:]}"


def excerpt(text: str) -> str:
    """Return the beginning of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT else line[: _EXCERPT - 1] + "…"


def _name(trial: dict[str, Any]) -> str:
    return " ".join(filter(None, [trial["rule"], trial["key"], f"({trial['content']})" if trial["content"] else ""]))


def _threshold(trial: dict[str, Any]) -> Cell:
    least, most = trial["least"], trial["most"]
    return " ".join(filter(None, [f"≥ {least:g}" if least is not None else "", f"≤ {most:g}" if most is not None else ""]))


def _what_if(trials: list[dict[str, Any]]) -> Panel:
    rows: list[list[Cell]] = []
    told = [trial for trial in trials if trial["broken"] or any(kept != trial["kept"]["1.0"] for kept in trial["kept"].values())]
    for trial in told:
        now = trial["kept"]["1.0"]
        others = [trial["kept"].get(str(factor)) for factor in FACTORS if factor != 1.0]
        rows.append([_name(trial), _threshold(trial), trial["broken"], now[0],
                     *(None if one is None else _change(one, now) for one in [*others, trial["off"]])])
    columns = ["rule", "threshold", "objects to", "kept now", *(f"x {factor:g}" for factor in FACTORS if factor != 1.0), "without"]
    return Panel(
        "Corpus: what another threshold would keep",
        "Counted, not estimated: documents that would stay beyond those that stay now (and their megabytes) if this one threshold "
        "were multiplied as the column says, or left out, and all others of the pass were as they are. Changing it in the recipe "
        f"measures nothing again. {len(trials) - len(told)} thresholds object to nothing, here or at these values: left out.",
        [Table(columns, rows)])


def _change(then: list[int], now: list[int]) -> str:
    documents, size = then[0] - now[0], (then[1] - now[1]) / 1e6
    return f"{documents:+,} ({size:+,.2f} MB)" if documents else "0"


def _histograms(trials: list[dict[str, Any]]) -> Panel:
    drawn = sorted((trial for trial in trials if trial["histogram"] and trial["broken"]), key=lambda trial: -trial["broken"])
    return Panel("Corpus: scores and thresholds", "How the documents that reach a rule lie on its score; the dashed line is the "
                 "threshold. Those of the rules that object most.", [_histogram(trial) for trial in drawn[:_MOST_CHARTS]])


def _histogram(trial: dict[str, Any]) -> LineChart:
    bins = sorted((int(number), count) for number, count in trial["histogram"].items())
    x = [bin_start(number + 0.5) for number, _ in bins]
    y = [float(count) for _, count in bins]
    lines = [Curve("documents", x, y)]
    for name, value in (("at least", trial["least"]), ("at most", trial["most"])):
        if value is not None:
            lines.append(Curve(f"{name} {value:g}", [value, value], [0.0, max(y)], "dashed"))
    positive = [value for value in x if value > 0]
    return LineChart(f"{_name(trial)}: {trial['column']}", "documents", lines,
                     log_x=len(positive) == len(x) and max(positive) > 100 * min(positive))


def _clusters(details: dict[str, Any]) -> Panel:
    rows: list[list[Cell]] = [[row["path"], row["source"], row["members"]] for row in details["clusters"]]
    text = "The kept documents that stand for most others. `raylm clusters RUN` shows the largest side by side."
    if "threshold" in details:
        checked = "measured before anything was removed" if details["verified"] else "not measured: whole clusters went"
        text = (f"MinHash with {details['bands']} bands of {details['rows']} rows found {details['candidates']:,} candidates; true "
                f"Jaccard similarity of at least {details['threshold']:g} was {checked}. {text}")
    return Panel(f"Corpus: the largest clusters of the step {shown(details['steps'][0])}", text,
                 [Table(["kept document", "source", "duplicates removed"], rows)])


def _matches(details: dict[str, Any]) -> Panel:
    listed = details["listed"]
    rows: list[list[Cell]] = [[excerpt(str(row[name])) if isinstance(row[name], str) else row[name] for name in listed[0]]
                              for row in listed]
    return Panel("Corpus: evaluation sets found in the text", f"{details['matches']:,} places where documents share text with an "
                 "evaluation set; some of them here, all in the artifact's `matches` table.", [Table(list(listed[0]), rows)])
