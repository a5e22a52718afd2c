"""The rlhf stage's part of the report."""

from typing import Any

from raylm.figures import Cell, Line, LineChart, Panel, Table

_PARTS = {"model": "reward model", "parses": "code that parses", "ends": "comes to an end", "varied": "does not repeat itself",
          "total": "total"}


def panels(manifest: dict[str, Any], cost: dict[str, Any]) -> list[Panel]:
    """Return the curves of reward and KL, the held-out figures before and after, and answers before and after."""
    metrics = manifest["metrics"]
    return [_curves(metrics), _held_out(metrics, cost), _health(metrics), _answers(metrics)]


def _curves(metrics: dict[str, Any]) -> Panel:
    history, before = metrics["history"], metrics["before"]["rewards"]
    parts = [name for name in before if name == "total" or metrics["weights"].get(name)]
    rewards = [_line(_named(name), history, f"reward_{name}") for name in parts]
    return Panel("PPO: reward and KL",
                 "Mean reward of each iteration's answers to training prompts, by part, and how far the policy has moved from "
                 "the fine-tuned model. The reward model's part is in standard deviations of its scores of true answers.",
                 [LineChart("iteration", "reward", rewards),
                  LineChart("iteration", "nats per token", [_line("KL(policy, reference)", history, "kl"),
                                                            _line("its k3 estimate", history, "kl_k3", "dashed")])])


def _held_out(metrics: dict[str, Any], cost: dict[str, Any]) -> Panel:
    before, after = metrics["before"], metrics["after"]
    rows: list[list[Cell]] = [[_named(name), metrics["weights"].get(name), before["rewards"][name], after["rewards"][name]]
                              for name in before["rewards"]]
    rows += [[label, None, before[name], after[name]] for name, label in (
        ("kl", "KL to the fine-tuned model, nats per token"), ("length", "tokens per answer"),
        ("ended", "share of answers that end by themselves"))]
    rate = cost.get("answers_per_second")
    speed = f" PPO made and learned from {rate:.1f} answers/s." if rate else ""
    return Panel("PPO: held-out prompts, before and after",
                 f"{before['prompts']} prompts from files that no training stage has seen, answered with the same random seeds."
                 + speed, [Table(["", "weight", "before", "after"], rows)])


def _health(metrics: dict[str, Any]) -> Panel:
    history = metrics["history"]
    drift = max(figures["drift"] for figures in history)
    return Panel("PPO: is it well?",
                 "Entropy that falls to nothing, a critic that foresees nothing or a clipped share near 1 would be signs of "
                 f"collapse. Rollout and actor gave the same tokens log-probabilities that differed by at most {drift:.1e} on "
                 "average.",
                 [LineChart("iteration", "", [_line("entropy, nats per token", history, "entropy"),
                                              _line("share of clipped tokens", history, "clipped"),
                                              _line("variance the critic foresaw", history, "explained_variance"),
                                              _line("share of cut answers", history, "truncated")]),
                  LineChart("iteration", "tokens per answer", [_line("length", history, "length")])])


def _answers(metrics: dict[str, Any]) -> Panel:
    pairs = zip(metrics["before"]["answers"], metrics["after"]["answers"], strict=True)
    rows: list[list[Cell]] = [[old["prompt"], _shown(old), _shown(new), old["reward"], new["reward"]] for old, new in pairs]
    return Panel("PPO: answers to held-out prompts", "Sampled, not picked: the first prompts, the same random seeds.",
                 [Table(["prompt", "before", "after", "reward before", "reward after"], rows)])


def _shown(answer: dict[str, Any]) -> str:
    return str(answer["answer"]) + ("" if answer["ended"] else " […]")


def _named(name: str) -> str:
    return _PARTS.get(name, name)


def _line(name: str, history: list[dict[str, float]], key: str, style: Any = "line") -> Line:
    return Line(name, [figures["iteration"] for figures in history], [figures[key] for figures in history], style)
