"""What a program's check is, where checks are registered, and how parts are weighed into one number per answer."""

from collections.abc import Callable
from dataclasses import dataclass

from raylm.errors import UserError
from raylm.posttrain.pairs.kinds import KINDS


@dataclass(frozen=True)
class Answer:
    """An answer as a check sees it."""

    text: str
    """The decoded new tokens, without the end token."""
    ended: bool
    """Whether the model ended it itself; false if it was cut at the longest length."""


Check = Callable[[Answer], float]
"""A pure function to a number, by convention 0 (bad) to 1 (good). It must be quick and must not raise on any text."""

CHECKS: dict[str, Check] = {}
MODEL = "model"
"""The name of the reward model's part in a recipe's weights."""


def check(name: str) -> Callable[[Check], Check]:
    """Register a check under `name`."""

    def register(function: Check) -> Check:
        CHECKS[name] = function
        return function

    return register


def chosen_rewards(weights: dict[str, float] | None, kind: str) -> dict[str, float]:
    """Return the weights to use for prompts of a kind: the recipe's, or that kind's defaults.

    Raises:
        UserError: a name that no reward has, or no reward at all.
    """
    chosen = KINDS[kind].rewards if weights is None else weights
    known = [MODEL, *sorted(CHECKS)]
    for name in chosen:
        if name not in known:
            raise UserError(f"rlhf.rewards: unknown reward {name!r}; allowed: {', '.join(known)}")
    if not any(chosen.values()):
        raise UserError(f"rlhf.rewards: at least one weight must not be 0; allowed names: {', '.join(known)}")
    return dict(chosen)


def compose(weights: dict[str, float], answers: list[Answer], scores: list[float]) -> dict[str, list[float]]:
    """Return each part's value per answer (not weighed), and under `total` their weighted sum.

    Args:
        weights: by reward name.
        answers: what was said.
        scores: the reward model's normalised score of each answer.
    """
    parts = {name: scores if name == MODEL else [CHECKS[name](answer) for answer in answers] for name in weights}
    total = [sum(weights[name] * parts[name][row] for name in weights) for row in range(len(answers))]
    return {**parts, "total": total}
