"""The sft stage: pairs from the corpus, packed windows, training, and a few answers before and after."""

from typing import Any

from raylm.errors import UserError
from raylm.model.hf_io import load_config
from raylm.posttrain.pairs.instruction import Instruction
from raylm.posttrain.pairs.kinds import KINDS
from raylm.posttrain.pairs.table import read_pairs, write_pairs
from raylm.posttrain.sft.answers import compare
from raylm.posttrain.sft.config import SftConfig
from raylm.posttrain.sft.task import SftTask
from raylm.posttrain.sft.windows import write_windows
from raylm.stage import Outcome, StageContext
from raylm.storage import Folder
from raylm.training.launch import TrainingLog, train
from raylm.training.shown import shown


def build(ctx: StageContext[SftConfig]) -> Outcome:
    """Fine-tune the pretrained checkpoint; fill the output with `pairs/`, `windows/` and `checkpoint/`.

    Raises:
        UserError: windows longer than the model's context, or a corpus without pairs.
    """
    config = ctx.config
    base = ctx.inputs["pretrain"].folder.child("checkpoint")
    tokenizer = ctx.inputs["tokenize"].folder.child("tokenizer")
    context = load_config(base.local()).context
    if config.length > context:
        raise UserError(f"sft.length: got {config.length}, allowed: at most the model's context of {context} tokens")
    heldout_fraction = float(ctx.inputs["tokenize"].folder.read_json("index.json")["heldout_fraction"])
    documents = ctx.inputs["corpus"].folder.child("documents")
    found = write_pairs(documents, ctx.output.child("pairs"), config.pairs, heldout_fraction, ctx.meter)
    windows = write_windows(ctx.output.child("pairs"), tokenizer, ctx.output.child("windows"), config.length, ctx.meter)
    directions = KINDS[found["kind"]].directions
    task = SftTask(base, tokenizer, ctx.output.child("windows"), directions, config.evaluation,
                   config.train.micro_batch, ctx.seed)
    log = train(task, config.train, ctx.output, seed=ctx.seed, meter=ctx.meter, title="sft: train",
                keys="sft.train")
    ctx.meter.begin("sft: answer held-out prompts", "prompts", config.examples * len(directions))
    examples = compare(_prompts(ctx.output.child("pairs"), directions, config.examples), base,
                       ctx.output.child("checkpoint"), tokenizer, config.max_new)
    return _outcome(found, windows, log, examples, config)


def _prompts(pairs: Folder, directions: tuple[str, ...], count: int) -> list[Instruction]:
    """The first held-out pairs (lowest keys: a fair draw), direction by direction."""
    instructions = [i for pair in read_pairs(pairs, "heldout", count) for i in pair.instructions()]
    return [i for direction in directions for i in instructions if i.direction == direction]


def _outcome(found: dict[str, Any], windows: dict[str, Any], log: TrainingLog, examples: list[dict[str, Any]],
             config: SftConfig) -> Outcome:
    train_set = windows["train"]
    before, after = log.evaluations[0], log.evaluations[-1]
    metrics = {
        "kind": found["kind"],
        "pairs": {split: {"used": entry["pairs"], "found": entry["found"]} for split, entry in found["splits"].items()},
        "windows": {name: {key: value for key, value in entry.items() if key != "files"}
                    for name, entry in windows.items()},
        "packed_share": train_set["tokens"] / (train_set["windows"] * config.length),
        "epochs": config.train.steps * config.train.batch / train_set["windows"],
        "loss": [{"step": record["step"], "loss": record["loss"]} for record in log.steps],
        "evaluations": log.evaluations,
        "before": before, "after": after,
        "examples": examples,
    }
    headline = {"pairs": f"{found['splits']['train']['pairs']:,} {found['kind']}",
                "held-out answer loss": f"{shown(before['heldout_loss'])} → {shown(after['heldout_loss'])} nats/token",
                "epochs": f"{metrics['epochs']:.1f}"}
    return Outcome(metrics, headline,
                   counts_in={f"{split} pairs": found["splits"][split]["found"] for split in found["splits"]},
                   counts_out={"conversations": train_set["conversations"], "answer tokens": train_set["targets"]},
                   cost={"targets_per_second": log.targets_per_second, "resumes": log.resumes})
