"""The mix stage: train the swarm, fit the laws, pick the weights, train the pick against the natural and uniform mixes, decide.

The law only proposes. What is written is whichever of the three mixes did best when trained again with fresh seeds, and the
evidence for all of them is kept.
"""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raylm.errors import UserError
from raylm.mixture.config import MixConfig
from raylm.mixture.evidence import fit, verify
from raylm.mixture.search import choose, rounded, target_loss
from raylm.mixture.swarm import natural_mix, swarm, upper_bounds
from raylm.mixture.trials import Search, Trial, train_all
from raylm.stage import Outcome, StageContext
from raylm.tokenizer.shards import TokenShards

Array = NDArray[np.float64]

PROXIES_PER_SOURCE = 3
FEWEST_PROXIES = 12
SMALLEST_TARGET = 64
"""Held-out tokens below which a source's loss says nothing."""


def build(ctx: StageContext[MixConfig]) -> Outcome:
    """Fill the output with `weights.json` and `proxies/`, the result of every proxy.

    Raises:
        UserError: no source is large enough, or the target names one that has no held-out text.
    """
    tokens = ctx.inputs["tokenize"].folder
    shards = TokenShards.open(tokens)
    sources = eligible(shards, ctx.config)
    shares = targets(shards, sources, ctx.config)
    counts = np.array([shards.size(name, "train")["tokens"] for name in sources], np.float64)
    natural = natural_mix(counts)
    common = {"sources": sources, "target": shares, "natural": _named(sources, natural),
              "left_out": [name for name in shards.sources if name not in sources]}
    if len(sources) == 1:
        return _finish(ctx, shards, {**common, "chosen": "natural", "proxies": []}, {sources[0]: 1.0}, {})
    bounds = upper_bounds(counts, ctx.config.planned_tokens or int(counts.sum()), ctx.config.max_epochs)
    search = Search(tokens, ctx.output.child("proxies"), tuple(shares), ctx.config, ctx.meter)
    started = time.time()
    mixes = swarm(natural, bounds, ctx.config.proxies or max(FEWEST_PROXIES, PROXIES_PER_SOURCE * len(sources)), ctx.seed)
    results = _train(ctx, search, sources, {f"proxy-{i:03d}": (mix, ctx.seed) for i, mix in enumerate(mixes)})
    trained = time.time()
    evidence, laws = fit(mixes, results, shares)
    counted = np.array(list(shares.values()))
    picked = np.array(rounded(choose(laws, counted, natural, bounds, least=ctx.config.minimum_share,
                                     strength=ctx.config.prior_strength, top=ctx.config.top, seed=ctx.seed)))
    fitted = time.time()
    contenders = {"picked": picked, "natural": mixes[0], "uniform": mixes[1]}
    seeds = ctx.config.verify_seeds
    again = _train(ctx, search, sources, {f"{name}-seed-{number}": (mix, ctx.seed + number)
                                          for name, mix in contenders.items() for number in range(1, seeds + 1)})
    verification = verify(again, shares, tuple(contenders), seeds)
    allowed = [name for name, mix in contenders.items() if name == "natural" or np.all(mix <= bounds + 1e-6)]
    chosen = min(allowed, key=lambda name: verification[name]["target"])
    predicted = {name: float(target_loss(laws, counted, mix[None])[0]) for name, mix in contenders.items()}
    metrics = {**common, "bounds": _named(sources, bounds), **evidence, "picked": _named(sources, picked), "chosen": chosen,
               "allowed": allowed, "predicted": predicted, "verification": verification}
    cost = {"swarm_seconds": trained - started, "fit_seconds": fitted - trained, "verify_seconds": time.time() - fitted}
    return _finish(ctx, shards, metrics, dict(zip(sources, rounded(contenders[chosen]), strict=True)), cost)


def eligible(shards: TokenShards, config: MixConfig) -> list[str]:
    """Return the names of the sources that are large enough to be mixed, sorted.

    Raises:
        UserError: there is none.
    """
    least = max(config.minimum_tokens, config.model.context + 1)
    sizes = {name: shards.size(name, "train")["tokens"] for name in shards.sources}
    names = [name for name, size in sizes.items() if size >= least]
    if not names:
        shown = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise UserError(f"mix.minimum_tokens: no source has {least} training tokens ({shown}); lower it or give more text")
    return names


def targets(shards: TokenShards, sources: list[str], config: MixConfig) -> dict[str, float]:
    """Return what each held-out source counts for, summing to 1.

    Raises:
        UserError: a target is no source, or has too little held-out text.
    """
    measurable = [name for name in shards.sources if shards.size(name, "heldout")["tokens"] >= SMALLEST_TARGET]
    wanted = config.target or dict.fromkeys([name for name in sources if name in measurable] or measurable, 1.0)
    for name in wanted:
        if name not in measurable:
            raise UserError(f"mix.target: got {name!r}, allowed: sources with at least {SMALLEST_TARGET} held-out tokens "
                            f"({', '.join(measurable) or 'there is none'})")
    if not wanted:
        raise UserError(f"mix: no source has {SMALLEST_TARGET} held-out tokens; raise tokenize.heldout_fraction")
    total = sum(wanted.values())
    return {name: wanted[name] / total for name in sorted(wanted)}


def _named(sources: list[str], values: Array) -> dict[str, float]:
    return dict(zip(sources, np.asarray(values).tolist(), strict=True))


def _train(ctx: StageContext[MixConfig], search: Search, sources: list[str],
           plan: dict[str, tuple[Array, int]]) -> list[dict[str, Any]]:
    """Train proxies: `plan` holds each one's mix and seed by name."""
    trials = [Trial(name, _named(sources, mix), seed) for name, (mix, seed) in plan.items()]
    results = train_all(search, trials, ctx.output.child("tune"))
    return [{"name": name, **result} for name, result in results.items()]


def _finish(ctx: StageContext[MixConfig], shards: TokenShards, metrics: dict[str, Any], weights: dict[str, float],
            cost: dict[str, Any]) -> Outcome:
    everything = {name: weights.get(name, 0.0) for name in shards.sources}
    ctx.output.write_json("weights.json", {"weights": everything})
    headline = {"mix": metrics["chosen"], "weights": " ".join(f"{name} {weight:.0%}" for name, weight in everything.items())}
    if "verification" in metrics:
        loss = {name: found["target"] for name, found in metrics["verification"].items()}
        headline["bits per byte"] = " ".join(f"{name} {value:.3f}" for name, value in loss.items())
        headline["law"] = f"rho {metrics['fit']['rho']:.2f} left out"
    return Outcome(metrics={**metrics, "weights": everything}, headline=headline,
                   counts_in={"sources": len(shards.sources)}, counts_out={"sources": sum(w > 0 for w in everything.values())},
                   cost=cost)
