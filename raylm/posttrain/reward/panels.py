"""The reward stage's part of the report."""

from typing import Any

from raylm.figures import BarChart, Line, LineChart, Panel, Table
from raylm.training.shown import shown


def panels(manifest: dict[str, Any], cost: dict[str, Any]) -> list[Panel]:
    """Return the pairwise loss, and the held-out accuracy beside what needs no model."""
    return [_accuracy(manifest["metrics"]), _loss(manifest["metrics"], cost)]


def _accuracy(metrics: dict[str, Any]) -> Panel:
    before, after = metrics["before"], metrics["after"]
    rows: list[list[str | int | float | None]] = [
        [new["direction"], new["scored"], old["accuracy"], new["accuracy"], f"{_percent(new['low'])} to {_percent(new['high'])}",
         new["longer_answer"], new["word_overlap"]] for old, new in zip(before, after, strict=True)]
    bars = [row for row in after if row["accuracy"] is not None]  # drawn, what was not measured would read as 0
    groups = {"longer answer": [row["longer_answer"] for row in bars], "word overlap": [row["word_overlap"] for row in bars],
              "reward model": [row["accuracy"] for row in bars]}
    return Panel("Reward model: accuracy on held-out pairs",
                 "How often the right answer scores higher than the wrong one; a tie counts half, chance is 0.5. Two baselines "
                 "need no model: the longer answer wins, and the answer that shares more words with the prompt wins. The model "
                 "starts with a head of zeros, so before training all is a tie. The interval (95 %, Wilson) takes pairs as "
                 "independent; pairs of one file are not quite.",
                 [BarChart("accuracy", [row["direction"] for row in bars], groups),
                  Table(["direction", "scored", "before", "after", "95 % interval", "longer answer", "word overlap"], rows)])


def _percent(share: float | None) -> str:
    return shown(share, ".1%")


def _loss(metrics: dict[str, Any], cost: dict[str, Any]) -> Panel:
    evaluations = metrics["evaluations"]
    lines = [Line("training", [r["step"] for r in metrics["loss"]], [r["loss"] for r in metrics["loss"]]),
             Line("held-out", [r["step"] for r in evaluations], [r["heldout_loss"] for r in evaluations], "dashed")]
    rate = cost.get("preferences_per_second")
    speed = f", {rate:,.0f} preferences/s" if rate else ""
    return Panel("Reward model: pairwise loss",
                 f"Minus the log-probability that the right answer wins (Bradley-Terry); ln 2 = 0.693 is chance. "
                 f"{metrics['epochs']:.2f} passes over the preferences{speed}.",
                 [LineChart("step", "nats per preference", lines, {"chance": 0.6931})])
