"""What the report shows of reading: what could not be read and why, what was masked, the languages found."""

from typing import Any

from raylm.figures import BarChart, Cell, Panel, Table


def panels(manifest: dict[str, Any], cost: dict[str, Any]) -> list[Panel]:
    """Return the read stage's panels."""
    metrics = manifest["metrics"]
    found = [_sources(metrics)]
    if metrics["languages"]:
        found.append(_languages(metrics))
    return [*found, _masked(metrics)]


def _sources(metrics: dict[str, Any]) -> Panel:
    rows: list[list[Cell]] = [[row["source"], row["unread"] or "read", row["documents"], round(row["raw_bytes"] / 1e6, 2),
                               round(row["bytes"] / 1e6, 2) if row["unread"] is None else None] for row in metrics["read"]]
    return Panel("Read: what was found", "Documents of each source that were read, and the others with the reason. "
                 "All of them stay in the artifact with what was measured; what goes is decided later.",
                 [Table(["source", "", "documents", "MB found", "MB of text"], rows)])


def _languages(metrics: dict[str, Any]) -> Panel:
    rows = sorted(metrics["languages"].items(), key=lambda item: (-item[1][1], item[0]))
    shown = {"MB": [size / 1e6 for _, (_, size) in rows[:20]]}
    table = Table(["language", "documents", "MB"],
                  [[name or "not told", count, round(size / 1e6, 3)] for name, (count, size) in rows])
    return Panel("Read: languages", "The language that each document is in, as identified; code and tables have none.",
                 [BarChart("MB of text", [name or "not told" for name, _ in rows[:20]], shown, horizontal=True), table])


def _masked(metrics: dict[str, Any]) -> Panel:
    sources = sorted({row["source"] for row in metrics["read"]})
    kinds = [key.removeprefix("masked_") for key in metrics["read"][0] if key.startswith("masked_")]
    counts = {source: [sum(row[f"masked_{kind}"] for row in metrics["read"] if row["source"] == source) for kind in kinds]
              for source in sources}
    found = [place for place in range(len(kinds)) if any(row[place] for row in counts.values())]
    table = Table(["source", *(kinds[place].replace("_", " ") for place in found)],
                  [[source, *(row[place] for place in found)] for source, row in counts.items()])
    return Panel("Read: personal data and secrets", "Places where a typed placeholder stands for what identifies a person or opens "
                 "a door.", [table] if found else [])
