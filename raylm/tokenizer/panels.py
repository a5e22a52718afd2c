"""What the report shows of the tokenize stage."""

from typing import Any

from raylm.figures import BarChart, Cell, LineChart, Panel, PointChart, Table


def panels(manifest: dict[str, Any], cost: dict[str, Any]) -> list[Panel]:
    """Return the panels: tokens per source and split, fertility per language, and what an extension changed."""
    metrics = manifest["metrics"]
    return [_tokens(manifest, cost), _fertility(metrics)] + ([_extension(metrics["extension"])] if metrics.get("extension") else [])


def _tokens(manifest: dict[str, Any], cost: dict[str, Any]) -> Panel:
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
    return Panel(
        "Tokens",
        f"A vocabulary of {metrics['vocabulary']:,} pieces. The held-out documents ({metrics['heldout_fraction']:.1%} of the "
        f"origin files, by hash) are never trained on.{speed}",
        [Table(columns, rows),
         BarChart("tokens", list(sources), {"training": [float(s["train"]["tokens"]) for s in sources.values()],
                                            "held out": [float(s["heldout"]["tokens"]) for s in sources.values()]},
                  stacked=True, horizontal=True),
         BarChart("bytes per token (more is better compressed)", list(sources),
                  {"bytes per token": [_bytes_per_token(metrics, name) for name in sources]}, horizontal=True)],
    )


def _bytes_per_token(metrics: dict[str, Any], source: str) -> float:
    by_split = metrics["bytes_per_token"][source]
    return float(by_split.get("train", by_split.get("heldout", 0.0)))


COLUMNS = ["documents", "words", "bytes", "tokens", "tokens per word", "tokens per byte", "unknown tokens", "unknown share"]


def _row(counts: dict[str, float]) -> list[Cell]:
    return [*(int(counts[name]) for name in ("documents", "words", "bytes", "tokens")), round(counts["tokens_per_word"], 3),
            round(counts["tokens_per_byte"], 4), int(counts["unknown"]), f"{counts['unknown_share']:.4%}"]


def _fertility(metrics: dict[str, Any]) -> Panel:
    """Tokens per word and byte: per language where the corpus knows languages, and per source."""
    by_language = {name or "not identified": counts for name, counts in metrics["fertility"]["language"].items()}
    by_source = metrics["fertility"]["source"]
    shown = by_language if set(by_language) != {"not identified"} else by_source
    content: list[Table | LineChart | BarChart | PointChart] = []
    if shown is by_language:
        content.append(Table(["language", *COLUMNS], [[name, *_row(counts)] for name, counts in by_language.items()]))
    content.append(Table(["source", *COLUMNS], [[name, *_row(counts)] for name, counts in by_source.items()]))
    content += [BarChart(label, list(shown), {label: [counts[key] for counts in shown.values()]}, horizontal=True)
                for label, key in (("tokens per word", "tokens_per_word"), ("tokens per byte", "tokens_per_byte"))]
    return Panel("Fertility", "How many tokens a text takes, `<s>` and `</s>` not counted: the fewer, the more text fits into a "
                 "context. A word is a run of letters, or one character of Chinese, Japanese or Thai; bytes compare scripts. "
                 f"Unknown tokens are text that was lost.{_sample(metrics.get('sample'))}", content)


def _sample(sizes: dict[str, int] | None) -> str:
    if not sizes:
        return ""
    total = max(sum(sizes.values()), 1)
    named = (f"{size / 1e6:.1f} MB of {name} ({size / total:.0%})" for name, size in sizes.items())
    return f" The vocabulary was learned from {', '.join(named)}."


def _extension(extension: dict[str, Any]) -> Panel:
    """Before and after, on text that the learner did not see."""
    texts = (("new language", "new"), ("other sources", "old"))
    rows: list[list[Cell]] = [[f"{name}, {when}", *_row(extension[key][when])]
                              for name, key in texts for when in ("before", "after")]
    passages, unchanged = extension["old"]["passages"], extension["old"]["unchanged"]
    old = f" {unchanged:,} of {passages:,} passages of the other sources are cut exactly as before." if passages else ""
    return Panel("Extension", f"{extension['added']:,} pieces were added to {extension['base_vocabulary']:,}, whose ids stay. "
                 f"Measured on passages that the new pieces were not learned from.{old}", [Table(["text", *COLUMNS], rows)])
