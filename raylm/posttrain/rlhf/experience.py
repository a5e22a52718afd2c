"""From prompts to what PPO learns from: answers, their scores, rewards per token, advantages.

Tokens stay tokens from the sampler to the loss; text is only decoded for the program's checks.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from raylm.posttrain.rlhf.advantages import ESTIMATORS, whiten
from raylm.posttrain.rlhf.batch import Rows, pad, seed_of
from raylm.posttrain.rlhf.config import RlhfConfig
from raylm.posttrain.rlhf.divergence import kl_estimate
from raylm.posttrain.rlhf.prompts import Prompt
from raylm.posttrain.rlhf.rewards import Answer, compose
from raylm.posttrain.rlhf.shaping import masked_mean, normalised, token_rewards
from raylm.posttrain.rlhf.state import Progress
from raylm.posttrain.rlhf.team import Team
from raylm.tokenizer.text import Tokenizer


@dataclass(frozen=True)
class Sample:
    """Prompts and their answers."""

    prompts: list[Prompt]
    answers: list[Answer]
    rows: Rows
    """`batch.pad` of them, and `sampled` (batch, answer): log-probabilities at sampling, 0 in the padding."""
    ended: Tensor
    """bool (batch,): whether the answer has an end token."""


@dataclass(frozen=True)
class Experience:
    """What the losses need, and the figures of it."""

    rows: Rows
    """`batch.pad`'s tensors, `old`, `reference`, `values`, `advantages`, `returns` (batch, answer)."""
    figures: dict[str, float]


@dataclass
class Session:
    """What stays the same while a run lasts."""

    config: RlhfConfig
    seed: int
    team: Team
    tokenizer: Tokenizer
    weights: dict[str, float]
    """Of the parts of the reward; parts of weight 0 are only measured."""
    training: list[Prompt]
    heldout: list[Prompt]
    progress: Progress

    def sample(self, prompts: list[Prompt], stream: str, version: int) -> Sample:
        """Roll out: answer the prompts with weights of `version`, and randomness named by the seed and `stream`."""
        tokenizer, size = self.tokenizer, self.config.rollout_batch
        seeds = [seed_of(self.seed, stream, chunk) for chunk in range(-(-len(prompts) // size))]
        stop = [tokenizer.end, tokenizer.eos]
        made = self.team.generate([prompt.tokens for prompt in prompts], stop, seeds)
        if any(chunk.version != version for chunk in made):
            raise RuntimeError(f"answers by weights {sorted({c.version for c in made})}, wanted {version}: a sync was missed")
        tokens = [answer for chunk in made for answer in chunk.tokens]
        ended = [answer[-1] in stop for answer in tokens]
        rows = pad([prompt.tokens for prompt in prompts], tokens)
        rows["sampled"] = torch.zeros(rows["mask"].shape)
        rows["sampled"][rows["mask"]] = torch.cat([scores for chunk in made for scores in chunk.logprobs])
        texts = [tokenizer.decode(answer[:-1] if end else answer) for answer, end in zip(tokens, ended, strict=True)]
        return Sample(prompts, [Answer(*pair) for pair in zip(texts, ended, strict=True)], rows, torch.tensor(ended))

    def rewards(self, sample: Sample, scores: Tensor) -> dict[str, list[float]]:
        """Return every part of the reward per answer, and their weighted `total`."""
        config, progress = self.config, self.progress
        scaled = normalised(scores, progress.reward_mean, progress.reward_deviation, sample.ended, config.score_clip,
                            config.truncated_score)
        return compose(self.weights, sample.answers, scaled.tolist())

    def calibrate(self) -> tuple[float, float]:
        """Return mean and deviation of the reward model's raw scores of true answers to training prompts."""
        known = self.training[:self.config.calibration]
        scores = self.team.score(pad([prompt.tokens for prompt in known], [prompt.answer for prompt in known])).double()
        return float(scores.mean()), float(scores.std()) if len(known) > 1 else 1.0

    def estimate(self, sample: Sample) -> Experience:
        """Score a sample and estimate the advantage of every token."""
        config, rows = self.config, dict(sample.rows)
        judged = self.team.judge(rows)
        parts = self.rewards(sample, judged.pop("scores"))
        sampled = rows.pop("sampled")
        drift = (judged["old"] - sampled).abs()
        figures = {**{f"reward_{name}": _mean(values) for name, values in parts.items()},
                   "length": float(rows["answer"].double().mean()), "truncated": 1.0 - float(sample.ended.double().mean()),
                   "drift": masked_mean(drift, rows["mask"]), "drift_max": float(drift[rows["mask"]].max()),
                   "entropy": -masked_mean(judged["old"], rows["mask"])}
        if figures["drift"] > config.drift_limit:
            raise RuntimeError(f"rollout and actor differ by {figures['drift']:.3g} nats per token, more than drift_limit "
                               f"({config.drift_limit:g}): they do not hold the same weights")
        if config.truncated == "drop":
            rows["mask"] = rows["mask"] & sample.ended.unsqueeze(1)
        mask = rows["mask"]
        kl = kl_estimate(judged["old"], judged["reference"], config.kl.estimator)
        coefficient = self.progress.kl_coefficient if config.kl.placement == "reward" else 0.0
        rewards = token_rewards(torch.tensor(parts["total"]), coefficient * kl, rows["answer"], mask)
        advantages, returns = ESTIMATORS[config.estimator](rewards, judged["values"], mask, config.gamma, config.lam)
        figures |= {"kl": masked_mean(kl_estimate(judged["old"], judged["reference"], "k1"), mask),
                    "kl_k3": masked_mean(kl_estimate(judged["old"], judged["reference"], "k3"), mask),
                    "explained_variance": _explained(judged["values"], returns, mask)}
        return Experience({**rows, **judged, "advantages": whiten(advantages, mask), "returns": returns}, figures)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _explained(values: Tensor, returns: Tensor, mask: Tensor) -> float:
    """Share of the returns' variance that the critic foresaw; 0 for a critic that says the same everywhere."""
    if int(mask.sum()) < 2:
        return 0.0
    return float(1 - (returns - values)[mask].var() / returns[mask].var().clamp(min=1e-8))
