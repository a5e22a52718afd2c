"""What the report shows of pretraining: the loss curves against the baselines, and the held-out loss by source."""

from typing import Any

from raylm.figures import Line, LineChart, Panel, Table


def panels(manifest: dict[str, Any], cost: dict[str, Any]) -> list[Panel]:
    """Return the loss panel and the table by source."""
    metrics = manifest["metrics"]
    steps, evaluations, baselines = metrics["steps"], metrics["evaluations"], metrics["baselines"]
    levels = {name: value for name, value in (("unigram", baselines["unigram"]), ("5-gram", baselines["ngram"])) if value}
    loss = LineChart("step", "loss (nats per token)", [
        Line("training", [s["step"] for s in steps], [s["loss"] for s in steps]),
        Line("held-out", [e["step"] for e in evaluations], [e["heldout_loss"] for e in evaluations], "points")], levels)
    rate = LineChart("step", "gradient norm", [Line("before clipping", [s["step"] for s in steps],
                                                    [s["grad_norm"] for s in steps])])
    rows: list[list[Any]] = [[source, metrics["weights"].get(source, 0.0), value, metrics["heldout_bits_per_byte"][source]]
                             for source, value in sorted(metrics["heldout_loss_by_source"].items())]
    text = (f"{metrics['parameters']:,} parameters saw {metrics['tokens']:,} tokens. The first loss was "
            f"{metrics['first_loss']:.3f}; a fresh network should start at ln(vocabulary) = {metrics['expected_first_loss']:.3f}. "
            f"The lines are what counting reaches on the same held-out text: token frequencies, and an interpolated Kneser-Ney "
            f"5-gram model of {baselines['counted_tokens']:,} of the tokens that training saw.")
    found = [Panel("Loss", text, [loss]),
             Panel("Held-out loss by source", "", [Table(["source", "weight", "loss (nats/token)", "bits per byte"], rows)]),
             Panel("Gradient norm", "Global norm before it is clipped.", [rate])]
    if cost.get("resumes"):
        found.append(Panel("Resumed", f"Training stopped and went on from its checkpoint at steps {cost['resumes']}."))
    return found
