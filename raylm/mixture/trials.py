"""Training proxies as Ray Tune trials. What a trial finds is a small JSON file, so a killed search trains only what is missing.

Function trainables with reused actors: a fresh actor for each trial would cost more than a second, and Ray Train inside one
about twenty.
"""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import ray
from ray import tune

from raylm.mixture.config import MixConfig
from raylm.mixture.proxy import Heldout, bits_per_byte, heldout, train_proxy
from raylm.progress import Meter
from raylm.storage import Folder
from raylm.tokenizer.shards import TokenShards
from raylm.tokenizer.text import Tokenizer
from raylm.training.feed import Feed

STEPS_TOLD = 10
RETRIES = 2
"""Times that a trial is begun anew after its worker died."""


@dataclass(frozen=True)
class Trial:
    """One proxy to train."""

    name: str
    weights: dict[str, float]
    seed: int


@dataclass(frozen=True)
class Search:
    """What every trial needs to know."""

    tokens: Folder
    """The tokenize artifact."""
    results: Folder
    targets: tuple[str, ...]
    config: MixConfig
    meter: Meter


def train_all(search: Search, trials: list[Trial], scratch: Folder) -> dict[str, dict[str, Any]]:
    """Train the proxies that have no result yet; return every trial's result by name: `weights`, `seed`, `losses` by target.

    Args:
        search: what is common to the trials.
        trials: with distinct names.
        scratch: where Tune keeps its state while it runs; deleted afterwards.

    Raises:
        RuntimeError: a trial failed more than `RETRIES` times.
    """
    done = {trial.name: result for trial in trials if (result := _read(search.results, trial)) is not None}
    missing = [trial for trial in trials if trial.name not in done]
    search.meter.begin("training proxies", "steps", len(trials) * search.config.steps)
    search.meter.advance(len(done) * search.config.steps)
    if missing:
        search.results.create()
        _tune(search, missing, scratch)
        done |= {trial.name: search.results.read_json(_file(trial)) for trial in missing}
    return {trial.name: done[trial.name] for trial in trials}


def _file(trial: Trial) -> str:
    return f"{trial.name}.json"


def _read(results: Folder, trial: Trial) -> dict[str, Any] | None:
    """Return a trial's result if it is there and of exactly this trial."""
    if not results.exists(_file(trial)):
        return None
    result: dict[str, Any] = results.read_json(_file(trial))
    return result if (result["weights"], result["seed"]) == (trial.weights, trial.seed) else None


def _tune(search: Search, trials: list[Trial], scratch: Folder) -> None:
    cores = int(ray.cluster_resources().get("CPU", 1))
    by_name = {trial.name: trial for trial in trials}
    trainable = tune.with_resources(tune.with_parameters(run_trial, search=search, trials=by_name),
                                    {"CPU": 1, "GPU": search.config.gpus_per_proxy})
    scratch.clear()
    scratch.create()
    try:
        results = tune.Tuner(
            trainable,
            param_space={"name": tune.grid_search(list(by_name))},
            tune_config=tune.TuneConfig(max_concurrent_trials=search.config.concurrency or cores, reuse_actors=True),
            run_config=tune.RunConfig(name="proxies", storage_path=scratch.uri, verbose=0,
                                      failure_config=tune.FailureConfig(max_failures=RETRIES)),
        ).fit()
    finally:
        scratch.clear()
    if results.errors:
        raise RuntimeError(f"mix: {len(results.errors)} of {len(trials)} proxies failed") from results.errors[0]


def run_trial(config: dict[str, Any], search: Search, trials: dict[str, Trial]) -> None:
    """Train one proxy, write its result whole, and report to Tune."""
    trial = trials[config["name"]]
    shards, vocabulary, targets = _opened(search.tokens, search.targets, search.config.model.context, search.config.evaluate_tokens)
    waiting = 0

    def tell(steps: int) -> None:
        nonlocal waiting
        waiting += steps
        if waiting >= STEPS_TOLD:
            search.meter.advance(waiting)
            waiting = 0

    feed = Feed(shards, trial.weights, search.config.model.context, trial.seed)
    model = train_proxy(feed, search.config, vocabulary, trial.seed, tell)
    losses = {name: bits_per_byte(model, target) for name, target in targets.items()}
    search.meter.advance(waiting)
    search.results.write_json(_file(trial), {"weights": trial.weights, "seed": trial.seed, "losses": losses})
    tune.report({"loss": float(np.mean(list(losses.values())))})


@functools.lru_cache(maxsize=1)
def _opened(tokens: Folder, targets: tuple[str, ...], length: int, limit: int) -> tuple[TokenShards, int, dict[str, Heldout]]:
    """Open the shards and cut the held-out windows, once per worker process."""
    shards = TokenShards.open(tokens)
    tokenizer = Tokenizer.open(shards.root / "tokenizer")
    lengths = tokenizer.byte_lengths()
    return shards, tokenizer.vocabulary, {name: heldout(shards, name, length, limit, lengths) for name in targets}
