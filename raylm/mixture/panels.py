"""What the report shows of the mix stage: what was chosen on which evidence, the mixes tried, how far the law can be trusted."""

from typing import Any

from raylm.figures import BarChart, Line, LineChart, Panel, Table


def panels(manifest: dict[str, Any], cost: dict[str, Any]) -> list[Panel]:
    """Return the panels: the choice and its verification, the mixtures tried, predicted against observed losses."""
    metrics = manifest["metrics"]
    if not metrics["proxies"]:
        return [Panel("Mixture", f"One source, {metrics['sources'][0]}: nothing to mix.")]
    return [_choice(metrics), _tried(metrics), _law(metrics)]


def _choice(metrics: dict[str, Any]) -> Panel:
    sources, found, chosen = metrics["sources"], metrics["verification"], metrics["chosen"]
    seeds = len(found["natural"]["by_seed"])
    gain = found["natural"]["target"] - found["picked"]["target"]
    verdict = (f"The law's pick beats the natural mix by {gain:.3f} bits per byte" if gain > 0 else
               f"The law's pick is no better than the natural mix ({-gain:.3f} bits per byte worse)")
    barred = [name for name in found if name not in metrics["allowed"]]
    bar = f" Out of the choice, since it would repeat a source too often: {', '.join(barred)}." if barred else ""
    left = f" Too small to be mixed: {', '.join(metrics['left_out'])}." if metrics["left_out"] else ""
    rows = [[name, *(round(mix["losses"][target], 4) for target in metrics["target"]), round(mix["target"], 4),
             ", ".join(f"{value:.4f}" for value in mix["by_seed"])] for name, mix in found.items()]
    return Panel(
        "Mixture chosen",
        f"{verdict} ({_of_seeds(seeds)}). Trained on from here: the {chosen} mix.{bar}{left}",
        [Table(["mix", *metrics["target"], "target loss", "each seed"], rows),
         BarChart("share of tokens", sources, {
             "natural": [metrics["natural"][source] for source in sources],
             "uniform": [1 / len(sources)] * len(sources),
             "picked": [metrics["picked"][source] for source in sources],
             "trained on": [metrics["weights"][source] for source in sources]})])


def _tried(metrics: dict[str, Any]) -> Panel:
    order = sorted(metrics["proxies"], key=lambda proxy: proxy["target"])
    labels = {"proxy-000": "natural", "proxy-001": "uniform"}
    shares = {source: [proxy["weights"][source] for proxy in order] for source in metrics["sources"]}
    names = [f"{labels.get(proxy['name'], proxy['name'].removeprefix('proxy-'))}: {proxy['target']:.3f}" for proxy in order]
    return Panel(
        "Mixtures tried",
        "Every proxy's mix, the best above, with its held-out target loss in bits per byte.",
        [BarChart("share of tokens", names, shares, stacked=True, horizontal=True)])


def _law(metrics: dict[str, Any]) -> Panel:
    observed, predicted = ([proxy[key] for proxy in metrics["proxies"]] for key in ("target", "predicted"))
    ends = [min(observed + predicted), max(observed + predicted)]
    kinds = {name: law["kind"] for name, law in metrics["laws"].items()}
    rows = [[name, kinds[name], round(law["rho"], 3), round(law["rmse"], 4), round(metrics["target"][name], 3)]
            for name, law in metrics["laws"].items()]
    checks = [metrics["verification"][name]["target"] for name in metrics["predicted"]]
    return Panel(
        "Mixing law",
        f"Each proxy's target loss against what a law fitted without it predicts (rank correlation {metrics['fit']['rho']:.2f}, "
        f"error {metrics['fit']['rmse']:.3f} bits per byte); verified are the three mixes trained again with fresh seeds.",
        [LineChart("predicted bits per byte", "observed bits per byte",
                   [Line("proxies, each left out", predicted, observed, "points"),
                    Line("verified", list(metrics["predicted"].values()), checks, "points"),
                    Line("equal", ends, ends, "dashed")]),
         Table(["target", "law", "rank correlation", "error", "weight"], rows)])


def _of_seeds(count: int) -> str:
    return "one fresh seed" if count == 1 else f"mean of {count} fresh seeds"
