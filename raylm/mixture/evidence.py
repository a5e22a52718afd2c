"""From the proxies' losses to what the report and the choice rest on: fitted laws with their quality, and the verification."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from raylm.mixture.law import Law, fit_law, rank_correlation

Array = NDArray[np.float64]


def fit(mixes: Array, results: list[dict[str, Any]], shares: dict[str, float]) -> tuple[dict[str, Any], list[Law]]:
    """Fit a law per target to the swarm's results.

    Args:
        mixes: (proxies, sources).
        results: each proxy's, in the same order.
        shares: what each target counts for.

    Returns:
        The evidence as JSON types (`proxies`, `laws`, `fit`), and the laws in the order of `shares`.
    """
    laws = [fit_law(mixes, np.array([result["losses"][name] for result in results])) for name in shares]
    observed = np.array([_target(result["losses"], shares) for result in results])
    left_out = np.sum([share * law.left_out for share, law in zip(shares.values(), laws, strict=True)], axis=0)
    proxies = [{**result, "target": float(value), "predicted": float(guess)}
               for result, value, guess in zip(results, observed, left_out, strict=True)]
    described = {name: {**law.describe(), "rho": rank_correlation(law.left_out, np.array([r["losses"][name] for r in results]))}
                 for name, law in zip(shares, laws, strict=True)}
    quality = {"rho": rank_correlation(left_out, observed), "rmse": float(np.sqrt(np.mean((left_out - observed) ** 2)))}
    return {"proxies": proxies, "laws": described, "fit": quality}, laws


def verify(results: list[dict[str, Any]], shares: dict[str, float], names: tuple[str, ...], seeds: int) -> dict[str, Any]:
    """Return each contender's mean losses over the fresh seeds, its target loss, and that of every seed."""
    table = {}
    for place, name in enumerate(names):
        of_mix = [result["losses"] for result in results[place * seeds:(place + 1) * seeds]]
        by_seed = [_target(losses, shares) for losses in of_mix]
        table[name] = {"losses": {source: float(np.mean([losses[source] for losses in of_mix])) for source in of_mix[0]},
                       "target": float(np.mean(by_seed)), "by_seed": by_seed}
    return table


def _target(losses: dict[str, float], shares: dict[str, float]) -> float:
    return float(sum(share * losses[name] for name, share in shares.items()))
