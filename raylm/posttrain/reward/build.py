"""The reward stage: preferences from the sft stage's pairs, training, and accuracy beside baselines that need no model."""

from collections.abc import Mapping
from typing import Any

from raylm.errors import UserError
from raylm.model.hf_io import load_config
from raylm.posttrain.reward.config import RewardConfig
from raylm.posttrain.reward.loss import wilson
from raylm.posttrain.reward.table import Recipe, write_preferences
from raylm.posttrain.reward.task import RewardTask
from raylm.stage import Outcome, StageContext
from raylm.training.launch import TrainingLog, train
from raylm.training.shown import shown


def build(ctx: StageContext[RewardConfig]) -> Outcome:
    """Train a reward model from the fine-tuned checkpoint; fill the output with `preferences/` and `checkpoint/`.

    Raises:
        UserError: sequences longer than the model's context, or no preference that fits.
    """
    config = ctx.config
    sft = ctx.inputs["sft"].folder
    checkpoint = sft.child("checkpoint")
    context = load_config(checkpoint.local()).context
    if config.length > context:
        raise UserError(f"reward.length: got {config.length}, allowed: at most the model's context of {context} tokens")
    tokenize = ctx.inputs["tokenize"].folder
    recipe = Recipe(config.limit, config.near, config.length, ctx.seed)
    preferences = ctx.output.child("preferences")
    index = write_preferences(sft.child("pairs"), tokenize.child("tokenizer"), preferences, recipe, ctx.meter)
    task = RewardTask(checkpoint, tokenize.child("tokenizer"), preferences, int(tokenize.read_json("index.json")["pad"]),
                      tuple(index["directions"]), config.evaluation, config.train.micro_batch, ctx.seed)
    log = train(task, config.train, ctx.output, seed=ctx.seed, meter=ctx.meter, title="reward: train",
                keys="reward.train")
    return _outcome(index, log, config)


def accuracies(counts: dict[str, dict[str, float]], evaluation: Mapping[str, float | None]) -> list[dict[str, Any]]:
    """Return the held-out accuracy for each direction and for all: the model's with its 95 % interval, and the baselines'.

    What was not scored, or has no preferences, is None.

    Args:
        counts: per direction, of all held-out preferences: `preferences`, `longer_wins`, `overlap_wins`.
        evaluation: the model's figures, `accuracy`, `scored` and the same for each `_<direction>`, on an even draw of them.
    """
    everything = {name: sum(entry[name] for entry in counts.values()) for name in next(iter(counts.values()))}
    rows = []
    for label, entry in [("all", everything), *counts.items()]:
        suffix = "" if label == "all" else f"_{label}"
        accuracy, scored = evaluation["accuracy" + suffix], round(evaluation["scored" + suffix] or 0)
        low, high = (None, None) if accuracy is None else wilson(accuracy, scored)
        rows.append({"direction": label, "accuracy": accuracy, "low": low, "high": high, "scored": scored,
                     "longer_answer": _share(entry, "longer_wins"), "word_overlap": _share(entry, "overlap_wins")})
    return rows


def _share(entry: dict[str, float], name: str) -> float | None:
    return entry[name] / entry["preferences"] if entry["preferences"] else None


def _outcome(index: dict[str, Any], log: TrainingLog, config: RewardConfig) -> Outcome:
    heldout, training = index["counts"]["heldout"], index["counts"]["train"]
    available = int(sum(entry["preferences"] for entry in heldout.values()))
    trained_on = int(sum(entry["preferences"] for entry in training.values()))
    before, after = (accuracies(heldout, log.evaluations[place]) for place in (0, -1))
    best = after[0]
    metrics = {
        "preferences": index["counts"],
        "epochs": config.train.steps * config.train.batch / trained_on,
        "loss": [{"step": record["step"], "loss": record["loss"]} for record in log.steps],
        "evaluations": log.evaluations,
        "before": before, "after": after,
    }
    headline = {"preferences": f"{trained_on:,}",
                "held-out accuracy": "{} ({} to {})".format(*(shown(best[name], ".1%") for name in ("accuracy", "low", "high"))),
                "without a model": f"{max(best['longer_answer'], best['word_overlap']):.1%}"}
    return Outcome(metrics, headline, counts_in={"train preferences": trained_on, "held-out preferences": available},
                   counts_out={"held-out preferences scored": best["scored"]},
                   cost={"preferences_per_second": log.targets_per_second, "resumes": log.resumes})
