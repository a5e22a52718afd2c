"""The evaluate stage: every stage's checkpoint takes the same exam in a process of its own; one table says how it went."""

from statistics import median
from typing import Any

import ray

from raylm.device import gpu_share
from raylm.errors import UserError
from raylm.evaluate.code import chat_prompt, plain_prompt
from raylm.evaluate.config import STAGES, EvaluateConfig
from raylm.evaluate.engine import Timing
from raylm.evaluate.judge import Exam, Judge
from raylm.evaluate.loss import losses
from raylm.evaluate.vllm_engine import ENVIRONMENT
from raylm.evaluate.windows import Window, heldout_windows
from raylm.model.hf_io import load_config
from raylm.posttrain.pairs.table import read_index, read_pairs
from raylm.stage import Outcome, StageContext
from raylm.storage import Folder
from raylm.tokenizer.shards import TokenShards
from raylm.tokenizer.text import Tokenizer

PLAIN = ("pretrain",)
"""Those that know no chat."""


def build(ctx: StageContext[EvaluateConfig]) -> Outcome:
    """Measure quality, size and speed of each checkpoint.

    The output folder stays empty: quality, size and what scored them are the manifest's metrics, speed is in its cost.

    Raises:
        UserError: an input artifact is not what it should be, or scoring takes longer than `patience`.
    """
    checkpoints = {stage: ctx.inputs[stage].folder.child("checkpoint") for stage in STAGES}
    folder = ctx.inputs["tokenize"].folder.child("tokenizer")
    context = min(load_config(checkpoint.local()).context for checkpoint in checkpoints.values())
    tokenizer = Tokenizer.open(folder.local())
    windows = heldout_windows(TokenShards.open(ctx.inputs["tokenize"].folder), tokenizer, ctx.config.windows,
                              min(ctx.config.length, context - 1))  # vLLM wants room for one new token
    functions = heldout_functions(ctx.inputs["sft"].folder.child("pairs"), ctx.config.prompts)
    ctx.meter.begin("evaluate", "steps", 2 * len(STAGES) + ctx.config.rounds)
    judges = {}
    for stage in STAGES:
        write = plain_prompt if stage in PLAIN else chat_prompt
        written = [write(tokenizer, function) for function in functions]
        prompts = [ids for ids in written if len(ids) + ctx.config.max_new <= context]
        exam = Exam([window.ids for window in windows], prompts, stage in PLAIN, [tokenizer.eos, tokenizer.end],
                    ctx.config.max_new, context, ctx.config.engine, ctx.config.patience)
        judges[stage] = judge_class().remote(checkpoints[stage], exam, folder)
    loaded = each(judges, "load", ctx)
    quality = each(judges, "quality", ctx, {stage: [stage == STAGES[0]] for stage in STAGES})
    timings = time_all(judges, timed_prompts(windows, ctx.config, context), ctx)
    for judge in judges.values():
        ray.kill(judge)
    return outcome(windows, loaded, quality, timings)


def judge_class() -> Any:
    """Return `Judge` as an actor class; half a core and a quarter of a GPU each, so that all four live together."""
    return ray.remote(num_cpus=0.5, num_gpus=gpu_share(len(STAGES)), runtime_env={"env_vars": ENVIRONMENT})(Judge)


def heldout_functions(pairs: Folder, count: int) -> list[Any]:
    """Return held-out functions that were taken from the corpus; none where it holds no Python."""
    if count == 0 or read_index(pairs)["kind"] != "functions":
        return []
    return read_pairs(pairs, "heldout", count)


def timed_prompts(windows: list[Window], config: EvaluateConfig, context: int) -> list[list[int]]:
    """Return `batch` prompts of real text, all of one length that leaves room for the answer."""
    length = max(1, min(config.timed_prompt, context - config.timed_new))
    text = [token for window in windows for token in window.ids] or [0]
    return [[text[(i * length + j) % len(text)] for j in range(length)] for i in range(config.batch)]


def each(judges: dict[str, Any], method: str, ctx: StageContext[EvaluateConfig],
         arguments: dict[str, list[Any]] | None = None) -> dict[str, Any]:
    """Call a method of every judge, all at once, and return the answers by stage.

    Raises:
        UserError: as the method raises it, without what Ray wraps around it.
    """
    references = {getattr(judge, method).remote(*(arguments or {}).get(stage, [])): stage for stage, judge in judges.items()}
    answers, waiting = {}, list(references)
    while waiting:
        (done,), waiting = ray.wait(waiting, num_returns=1)
        try:
            answers[references[done]] = ray.get(done)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, UserError):
                raise UserError(f"{references[done]}: {error.cause}") from None
            raise
        ctx.meter.advance(1)
    return {stage: answers[stage] for stage in judges}


def time_all(judges: dict[str, Any], prompts: list[list[int]], ctx: StageContext[EvaluateConfig]) -> dict[str, dict[str, Any]]:
    """Time the checkpoints in turn, nothing else running: a warm-up and `rounds` rounds of one prompt and of `batch`."""
    rounds: dict[tuple[str, int], list[Timing]] = {}
    for number in range(ctx.config.rounds + 1):
        for stage, judge in judges.items():
            for size in (1, len(prompts)):
                new = ctx.config.timed_new if number else 2
                timing = ray.get(judge.timed.remote(prompts[:size], new))
                if number:
                    rounds.setdefault((stage, size), []).append(timing)
        if number:
            ctx.meter.advance(1)
    return {stage: speed(rounds.get((stage, 1), []), rounds.get((stage, len(prompts)), [])) for stage in judges}


def speed(alone: list[Timing], batch: list[Timing]) -> dict[str, float | None]:
    """Return medians over the rounds: milliseconds to the first token and per token, tokens per second alone and in a batch."""
    gaps = [timing.per_token for timing in alone if timing.per_token is not None]
    return {"first_token_ms": round(1e3 * median(t.first for t in alone), 2) if alone else None,
            "per_token_ms": round(1e3 * median(gaps), 3) if gaps else None,
            "tokens_per_second": round(median(t.rate for t in alone), 1) if alone else None,
            "tokens_per_second_batch": round(median(t.rate for t in batch), 1) if batch else None}


def outcome(windows: list[Window], loaded: dict[str, Any], quality: dict[str, Any], timings: dict[str, Any]) -> Outcome:
    """Arrange what was measured: quality and size as metrics, what differs at every making as cost."""
    table = {stage: {**losses(windows, quality[stage]["logprobs"]), "parse_rate": quality[stage]["parse_rate"],
                     "weight_bytes": loaded[stage]["weight_bytes"], "folder_bytes": loaded[stage]["folder_bytes"],
                     "scored_by": loaded[stage]["engine"], "dtype": loaded[stage]["dtype"]}
             for stage in loaded}
    difference = quality[STAGES[0]]["difference"]
    metrics = {"table": table, "windows": len(windows),
               "own_engine_difference": None if difference is None else round(difference, 4),
               "samples": {stage: quality[stage]["sample"] for stage in loaded}}
    last, first = table[STAGES[-1]], table[STAGES[0]]
    rate = timings[STAGES[-1]]["tokens_per_second"]
    headline = {"bits per byte": f"{shown(first['bits_per_byte'])} -> {shown(last['bits_per_byte'])}",
                "tokens/s": "-" if rate is None else f"{rate:.0f}"}
    if last["parse_rate"] is not None:
        headline["parse rate"] = f"{shown(first['parse_rate'])} -> {shown(last['parse_rate'])}"
    seconds = {stage: round(loaded[stage]["load_seconds"], 2) for stage in loaded}
    return Outcome(metrics, headline, counts_in={"windows": len(windows), "bytes": sum(window.size for window in windows)},
                   cost={"speed": timings, "load_seconds": seconds})


def shown(value: float | None) -> str:
    """Write a figure, or a dash where there is none."""
    return "-" if value is None else f"{value:.3f}"
