"""What the evaluation shows in the report: the one table, size against quality, and speed."""

from typing import Any

from raylm.evaluate.config import STAGES
from raylm.figures import BarChart, Cell, Panel, PointChart, Table

COLUMNS = ["checkpoint", "size, MB", "loss, nats/token", "bits per byte", "parse rate", "first token, ms", "per token, ms",
           "tokens/s, 1 prompt", "tokens/s, batch"]
SPEED = ("first_token_ms", "per_token_ms", "tokens_per_second", "tokens_per_second_batch")


def panels(manifest: dict[str, Any], cost: dict[str, Any]) -> list[Panel]:
    """Return the stage's panels."""
    found, speed = manifest["metrics"]["table"], cost.get("speed", {})
    table = {stage: found[stage] for stage in STAGES if stage in found}  # a manifest is sorted by name
    rows: list[list[Cell]] = [
        [stage, row["weight_bytes"] / 1e6, row["loss"], row["bits_per_byte"], row["parse_rate"],
         *(speed.get(stage, {}).get(name) for name in SPEED)] for stage, row in table.items()]
    points = [(stage, row["weight_bytes"] / 1e6, row["bits_per_byte"]) for stage, row in table.items()
              if row["bits_per_byte"] is not None]
    made = [Panel("Evaluation", note(manifest["metrics"]), [Table(COLUMNS, rows), by_source(table)]),
            Panel("Size against quality", "Down and to the left is better.",
                  [PointChart("weights, MB", "bits per byte", points)])]
    rates = {label: [speed[stage][name] or 0.0 for stage in table] for label, name in
             (("one prompt", SPEED[2]), ("batch", SPEED[3])) if speed}
    if rates:
        made.append(Panel("Speed", "Tokens per second, reading the prompts included; medians over rounds that went in turn over "
                          "the checkpoints. One thread.", [BarChart("tokens/s", list(table), rates)]))
    return made


def by_source(table: dict[str, Any]) -> Table:
    """Return bits per byte of each source, a column per checkpoint."""
    sources = sorted({source for row in table.values() for source in row["sources"]})
    return Table(["bits per byte", *table], [
        [source, *(row["sources"].get(source, {}).get("bits_per_byte") for row in table.values())] for source in sources])


def note(metrics: dict[str, Any]) -> str:
    """Say how the figures came about, and what is missing from them."""
    parts = [f"Loss over the beginnings of {metrics['windows']} held-out documents, the same for every "
             "checkpoint; parse rate of answers to held-out prompts for a function. "
             "The pretrained checkpoint knows no chat: it continues a comment and `def`."]
    if all(row["parse_rate"] is None for row in metrics["table"].values()):
        parts.append("The corpus holds no Python functions, so there is no parse rate.")
    difference = metrics["own_engine_difference"]
    if difference is not None:
        parts.append(f"vLLM's log-probabilities are within {difference:.4f} nats of our own network's on average.")
    parts.append(engines(metrics["table"]))
    return " ".join(parts)


def engines(table: dict[str, Any]) -> str:
    """Say what scored, answered and was timed; each checkpoint's own where they differ."""
    by_stage = {stage: f"{row['scored_by']} in {row['dtype']}" for stage, row in table.items()}
    if len(set(by_stage.values())) > 1:
        said = "Scored, answered and timed by " + ", ".join(f"{name} ({stage})" for stage, name in by_stage.items()) + "."
    else:
        said = f"All of it was scored, answered and timed by {next(iter(by_stage.values()))}."
    if any(row["scored_by"] != "vLLM" for row in table.values()):
        said += " That is our own, plain engine: vLLM is not installed, or the recipe does without it."
    return said
