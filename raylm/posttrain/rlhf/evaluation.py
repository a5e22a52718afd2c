"""The measurement before and after: the same held-out prompts, the same random seeds, every part of the reward, KL, length."""

from typing import Any

import torch

from raylm.posttrain.rlhf.divergence import kl_estimate
from raylm.posttrain.rlhf.experience import Sample, Session
from raylm.posttrain.rlhf.shaping import masked_mean

SHOWN = 4
"""Answers kept for the report."""


def evaluate(session: Session, version: int) -> dict[str, Any]:
    """Answer the held-out prompts with the current policy.

    Returns:
        `rewards`: mean of each part and of the `total`; `kl`: nats per token from the reference (k1: unbiased); `kl_k3`;
        `length`: tokens per answer; `ended`: share that ended by themselves; `answers`: the first few as {prompt, answer,
        ended, reward}.
    """
    sample = session.sample(session.heldout, "evaluation", version)
    judged = session.team.judge(sample.rows)
    parts = session.rewards(sample, judged["scores"])
    mask = sample.rows["mask"]
    return {
        "prompts": len(session.heldout),
        "rewards": {name: float(torch.tensor(values, dtype=torch.float64).mean()) for name, values in parts.items()},
        "kl": masked_mean(kl_estimate(judged["old"], judged["reference"], "k1"), mask),
        "kl_k3": masked_mean(kl_estimate(judged["old"], judged["reference"], "k3"), mask),
        "length": float(sample.rows["answer"].double().mean()),
        "ended": float(sample.ended.double().mean()),
        "answers": _shown(sample, parts["total"]),
    }


def _shown(sample: Sample, totals: list[float]) -> list[dict[str, Any]]:
    return [{"prompt": prompt.text, "answer": answer.text, "ended": answer.ended, "reward": total}
            for prompt, answer, total in zip(sample.prompts[:SHOWN], sample.answers, totals, strict=False)]
