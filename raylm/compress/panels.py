"""What compression shows in the report: bytes before and after, and how far each layer's output moved."""

from typing import Any

from raylm.compress.passes import PASSES
from raylm.figures import BarChart, Panel, Table


def panels(manifest: dict[str, Any], cost: dict[str, Any]) -> list[Panel]:
    """Return the stage's panels."""
    metrics = manifest["metrics"]
    before, after = metrics["size_before"], metrics["size_after"]
    rest_before, rest_after = (size["weights"] - size["blocks"] for size in (before, after))
    loss = Table(["", "before", "after"], [
        ["weights, MB", before["weights"] / 1e6, after["weights"] / 1e6],
        ["of it blocks, MB", before["blocks"] / 1e6, after["blocks"] / 1e6],
        ["loss on calibration text, nats/token", metrics["loss_before"], metrics["loss_after"]],
        ["KL to the parent, nats/token", 0.0, metrics["kl"]]])
    size = BarChart("MB", ["before", "after"], {"blocks": [before["blocks"] / 1e6, after["blocks"] / 1e6],
                                                "embedding and output": [rest_before / 1e6, rest_after / 1e6]}, stacked=True)
    rows = metrics["layers"]
    errors = BarChart("relative error of the output", [short(row["name"]) for row in rows],
                      {"output error": [row["output_error"] for row in rows]}, horizontal=len(rows) <= 24)
    made = [Panel("Compression: size", f"{done(metrics['passes'])} {verdict(metrics)}", [loss, size])]
    if rows:
        made.append(Panel("Compression: error of each layer", "Distance of each layer's output from the uncompressed layer's, on "
                          "calibration text, relative to its size.", [errors, layer_table(rows)]))
    return made


def done(passes: list[dict[str, Any]]) -> str:
    """Say what each pass did, in order; one that is no longer registered only by its name."""
    names = [str(section["method"]) for section in passes]
    return " ".join(PASSES[name].sentence if name in PASSES else f"{name}." for name in names)


def verdict(metrics: dict[str, Any]) -> str:
    """Say what the check of the written folder found."""
    checked = metrics["checked"]
    if checked is None:
        return "vLLM is not installed here, so the folder was not checked against it."
    restored = "compressed-tensors restores every weight bit for bit; " if metrics.get("quantized", True) else ""
    return (f"{restored}vLLM loads the folder, and its log-probabilities are within {checked['vllm_difference']:.3f} nats of ours "
            "on average.")


def layer_table(rows: list[dict[str, Any]]) -> Table:
    """Return the ten layers with the largest output error."""
    worst = sorted(rows, key=lambda row: -row["output_error"])[:10]
    return Table(["layer", "shape", "input range", "weight error", "output error"],
                 [[short(row["name"]), " x ".join(map(str, row.get("shape", []))), row.get("input_range"), row["weight_error"],
                   row["output_error"]] for row in worst])


def short(name: str) -> str:
    """Shorten `model.layers.3.self_attn.q_proj` to `3 q_proj`."""
    parts = name.split(".")
    return f"{parts[2]} {parts[-1]}" if name.startswith("model.layers.") else name
