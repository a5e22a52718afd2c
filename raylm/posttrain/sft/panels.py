"""The sft stage's part of the report."""

from typing import Any

from raylm.figures import Line, LineChart, Panel, Table
from raylm.training.shown import shown

_ASKED = {"describe": "signature → docstring", "implement": "docstring → function", "continue": "opening → continuation"}


def panels(manifest: dict[str, Any], cost: dict[str, Any]) -> list[Panel]:
    """Return the loss of training and held-out answers, what was trained on, and answers before and after."""
    metrics = manifest["metrics"]
    return [_loss(metrics), _data(metrics, cost), *_examples(metrics)]


def _loss(metrics: dict[str, Any]) -> Panel:
    evaluations = metrics["evaluations"]
    names = sorted(name for name in evaluations[0] if name.startswith("heldout_loss_"))
    lines = [Line("training", [r["step"] for r in metrics["loss"]], [r["loss"] for r in metrics["loss"]])]
    lines += [Line(f"held-out {_asked(name)}", [r["step"] for r in evaluations], [r[name] for r in evaluations], "dashed")
              for name in names]
    before, after = metrics["before"]["heldout_loss"], metrics["after"]["heldout_loss"]
    return Panel("Fine-tuning: loss of the answers",
                 f"Cross entropy over the answers' tokens only, in nats per token. On held-out pairs it went from "
                 f"{shown(before)} (the pretrained model) to {shown(after)}.",
                 [LineChart("step", "nats per answer token", lines)])


def _data(metrics: dict[str, Any], cost: dict[str, Any]) -> Panel:
    rows: list[list[str | int | float | None]] = [
        [name, entry["conversations"], entry["too_long"], entry["windows"], entry["tokens"], entry["targets"]]
        for name, entry in sorted(metrics["windows"].items())]
    rate = cost.get("targets_per_second")
    speed = f", {rate:,.0f} answer tokens/s" if rate else ""
    return Panel("Fine-tuning: conversations",
                 f"Pairs of kind {metrics['kind']}, packed into windows that are {metrics['packed_share']:.1%} full; "
                 f"{metrics['epochs']:.2f} passes over them{speed}. A conversation that is longer than a window is left out.",
                 [Table(["set", "conversations", "too long", "windows", "tokens", "answer tokens"], rows)])


def _examples(metrics: dict[str, Any]) -> list[Panel]:
    if not metrics["examples"]:
        return []
    rows: list[list[str | int | float | None]] = [
        [example["prompt"], example["before"], example["after"], example["true"]] for example in metrics["examples"]]
    return [Panel("Fine-tuning: answers to held-out prompts",
                  "The most likely answer of the pretrained and of the fine-tuned checkpoint, both asked in the chat format.",
                  [Table(["prompt", "before", "after", "true answer"], rows)])]


def _asked(name: str) -> str:
    direction = name.removeprefix("heldout_loss_")
    return _ASKED.get(direction, direction)
