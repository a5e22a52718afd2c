"""The pretraining stage: trains on the mixture, then sets the held-out loss beside what counting n-grams reaches."""

import math
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from raylm.model.config import ModelConfig
from raylm.pretrain.config import PretrainConfig
from raylm.pretrain.ngram import KneserNey, unigram_loss
from raylm.pretrain.task import PretrainTask
from raylm.stage import Outcome, StageContext
from raylm.storage import Folder
from raylm.tokenizer.shards import TokenShards
from raylm.training.feed import Feed
from raylm.training.heldout import bits_per_byte, heldout_windows
from raylm.training.launch import TrainingLog, train
from raylm.training.shown import shown

ORDER = 5


def build(ctx: StageContext[PretrainConfig]) -> Outcome:
    """Train and measure; fills `checkpoint/`, `tensorboard/` and `training.json`."""
    config, tokens = ctx.config, ctx.inputs["tokenize"].folder
    index = tokens.read_json("index.json")
    weights = ctx.inputs["mix"].folder.read_json("weights.json")["weights"]
    shape = config.model.model_copy(update={"vocabulary": config.model.vocabulary or index["vocabulary"]})
    task = PretrainTask(shape, tokens, weights, config.length, ctx.seed, config.heldout_windows, config.train.micro())
    log = train(task, config.train, ctx.output, seed=ctx.seed, meter=ctx.meter, title="training",
                keys="pretrain.train")
    ctx.meter.begin("counting n-grams for the baselines")
    baselines = ray.get(ray.remote(num_cpus=1)(measure_baselines).remote(tokens, weights, config, ctx.seed))
    return outcome(config, shape, index, weights, log, baselines)


def measure_baselines(tokens: Folder, weights: dict[str, float], config: PretrainConfig, seed: int) -> dict[str, Any]:
    """Count the windows that training saw and return the baselines' held-out losses (nats per token), None without held-out text.

    Args:
        tokens: the tokenize artifact.
        weights: the mixture.
        config: gives the windows seen, and the bound on what is counted.
        seed: of the feed.
    """
    shards = TokenShards.open(tokens.local())
    seen = min(config.train.steps * config.train.batch, config.baseline_tokens // config.length)
    batch = Feed(shards, weights, config.length, seed).batch(0, max(1, seen))
    # Windows are separate texts for the counts as they are for the network: number the documents through.
    documents = np.cumsum(_changes(batch["documents"].numpy()))
    ids = batch["ids"].numpy().reshape(-1)
    held = [h for source in sorted(shards.index["sources"])
            if (h := heldout_windows(shards, source, config.length, config.heldout_windows))]
    nothing = {"unigram": None, "ngram": None, "counted_tokens": len(ids)}
    if not held:
        return nothing
    known, text, follows = _flat([h["ids"].numpy() for h in held], [h["documents"].numpy() for h in held])
    if not follows.any():
        return nothing
    vocabulary = shards.index["vocabulary"]
    return {"unigram": unigram_loss(ids, known[follows], vocabulary),
            "ngram": KneserNey(ids, documents, ORDER, vocabulary).loss(known, text, follows),
            "counted_tokens": len(ids)}


def _changes(documents: NDArray[np.int64]) -> NDArray[np.int64]:
    first = np.ones(documents.shape, np.int64)
    first[:, 1:] = documents[:, 1:] != documents[:, :-1]
    return first.reshape(-1)


def _flat(ids: list[NDArray[np.int64]], documents: list[NDArray[np.int64]]) -> tuple[
        NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Join windows; a position counts where the one before it is of the same window and document, as for the network."""
    changes = np.concatenate([_changes(d) for d in documents])
    return np.concatenate([i.reshape(-1) for i in ids]), np.cumsum(changes), changes == 0


def outcome(config: PretrainConfig, shape: ModelConfig, index: dict[str, Any], weights: dict[str, float],
            log: TrainingLog, baselines: dict[str, Any]) -> Outcome:
    """Arrange what was measured; a source without held-out text has no loss, and the whole none if no source has any.

    Args:
        config: the stage's part of the recipe.
        shape: the network, with its vocabulary.
        index: of the token shards.
        weights: the mixture.
        log: of the training.
        baselines: as `measure_baselines` returns them.
    """
    first, last = log.steps[0], log.evaluations[-1]
    losses = {name.removeprefix("heldout_loss/"): value for name, value in last.items() if "/" in name and value is not None}
    bits = {source: bits_per_byte(loss, index, source) for source, loss in losses.items()}
    trained = config.train.steps * config.train.batch * config.length
    ngram = f", 5-gram {baselines['ngram']:.3f}" if baselines["ngram"] else ""
    return Outcome(
        metrics={
            "parameters": shape.parameters(), "tokens": trained, "vocabulary": shape.vocabulary, "weights": weights,
            "first_loss": first["loss"], "expected_first_loss": math.log(shape.vocabulary),
            "heldout_loss": last["heldout_loss"], "heldout_loss_by_source": losses, "heldout_bits_per_byte": bits,
            "baselines": baselines, "evaluations": log.evaluations,
            "steps": [{k: v for k, v in record.items() if k != "seconds"} for record in log.steps]},
        headline={"held-out loss": f"{shown(last['heldout_loss'])}{ngram}",
                  "model": f"{shape.parameters() / 1e6:.1f} M parameters, {trained / 1e6:.1f} M tokens",
                  "speed": f"{log.targets_per_second:,.0f} tokens/s"},
        counts_in={"tokens": sum(source["train"]["tokens"] for source in index["sources"].values())},
        counts_out={"tokens": trained, "parameters": shape.parameters()},
        cost={"tokens_per_second": log.targets_per_second, "resumes": log.resumes})
