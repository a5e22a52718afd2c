"""What the report shows of the tokenize stage."""

from typing import Any

from raylm.figures import BarChart, Panel, Table


def panels(manifest: dict[str, Any], cost: dict[str, Any]) -> list[Panel]:
    """Return the panels: tokens per source and split, and how many bytes a token stands for in each source."""
    metrics = manifest["metrics"]
    sources = dict(sorted(metrics["sources"].items()))
    width = 2 if metrics["dtype"] == "uint16" else 4
    rows = []
    for name, splits in sources.items():
        train, heldout = splits["train"], splits["heldout"]
        rows.append([name, train["documents"], heldout["documents"], train["bytes"], train["tokens"], heldout["tokens"],
                     round(_bytes_per_token(metrics, name), 2), (train["tokens"] + heldout["tokens"]) * width])
    columns = ["source", "training documents", "held-out documents", "training bytes", "training tokens", "held-out tokens",
               "bytes per token", "bytes on disk"]
    seconds = cost.get("encode_seconds")
    speed = f" Encoding took {seconds:.1f} s ({cost['tokens_per_second']:,.0f} tokens/s)." if seconds else ""
    return [Panel(
        "Tokens",
        f"A vocabulary of {metrics['vocabulary']:,} pieces. The held-out documents ({metrics['heldout_fraction']:.1%} of the "
        f"origin files, by hash) are never trained on.{speed}",
        [Table(columns, rows),
         BarChart("tokens", list(sources), {"training": [float(s["train"]["tokens"]) for s in sources.values()],
                                            "held out": [float(s["heldout"]["tokens"]) for s in sources.values()]},
                  stacked=True, horizontal=True),
         BarChart("bytes per token (more is better compressed)", list(sources),
                  {"bytes per token": [_bytes_per_token(metrics, name) for name in sources]}, horizontal=True)],
    )]


def _bytes_per_token(metrics: dict[str, Any], source: str) -> float:
    by_split = metrics["bytes_per_token"][source]
    return float(by_split.get("train", by_split.get("heldout", 0.0)))
