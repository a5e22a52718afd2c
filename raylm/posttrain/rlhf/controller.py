"""The loop of PPO: one process that asks the roles and never computes with a network itself.

Read `align` aloud: sample prompts, roll out, score and estimate, update actor and critic, sync the weights. Around it: a
state every few iterations, and a team that is rebuilt from the last one when a process of it dies.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from raylm.posttrain.pairs.kinds import KINDS
from raylm.posttrain.rlhf.batch import Rows, seed_of, select
from raylm.posttrain.rlhf.config import RlhfConfig
from raylm.posttrain.rlhf.divergence import adapted_coefficient
from raylm.posttrain.rlhf.evaluation import evaluate
from raylm.posttrain.rlhf.experience import Experience, Session
from raylm.posttrain.rlhf.prompts import drawn, kind_of, read_prompts
from raylm.posttrain.rlhf.rewards import chosen_rewards
from raylm.posttrain.rlhf.roles import computing_type
from raylm.posttrain.rlhf.state import Progress, engines_folder, read_progress, write_progress
from raylm.posttrain.rlhf.team import Step, Team
from raylm.progress import Meter
from raylm.storage import Folder
from raylm.tokenizer.text import Tokenizer

FIRST_STEP = {torch.float32: 1e-3, torch.bfloat16: 5e-2}
"""Largest divergence and |ratio - 1| of a policy that has not moved, by the type it computes in."""


@dataclass(frozen=True)
class Job:
    """What a run is given: configuration, seed, and the places of its inputs and output."""

    config: RlhfConfig
    seed: int
    sft: Folder
    """Checkpoint of the policy to start from; it has the tokenizer's files."""
    reward: Folder
    """Checkpoint of the reward model."""
    pairs: Folder
    """The pairs that prompts are taken from."""
    output: Folder
    """Receives `checkpoint/`; `_state/` while the run lasts."""
    meter: Meter


@dataclass
class Clock:
    """Seconds by phase."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time of the block to a phase."""
        started = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started


def align(job: Job, team: Team) -> dict[str, Any]:
    """Run PPO to the end, or go on from the last state; returns `result`'s content. The checkpoint is then written."""
    config, state, clock = job.config, job.output.child("_state"), Clock()
    progress, engines = read_progress(state, config)
    session = prepare(job, team, progress)
    if engines is not None:
        team.restore(engines)
    team.sync(progress.iteration)  # always: after a resume the rollout engines still hold the weights of the start
    if progress.before is None:
        with clock.phase("evaluation"):
            job.meter.begin("rlhf: answer held-out prompts", "prompts", len(session.heldout))
            progress.reward_mean, progress.reward_deviation = session.calibrate()
            progress.before = evaluate(session, 0)
    job.meter.begin("rlhf: PPO", "iterations", config.iterations)
    for iteration in range(progress.iteration, config.iterations):
        chosen = drawn(len(session.training), iteration * config.prompts, config.prompts, job.seed)
        with clock.phase("rollout"):
            sample = session.sample([session.training[index] for index in chosen], f"rollout/{iteration}", iteration)
        with clock.phase("estimate"):
            experience = session.estimate(sample)
        with clock.phase("update"):
            figures = update(session, experience, iteration)
        with clock.phase("sync"):
            team.sync(iteration + 1)
        record(session, {**experience.figures, **figures}, iteration)
        job.meter.set(iteration + 1, note(progress.history[-1]))
        if (iteration + 1) % config.checkpoint_every == 0 and iteration + 1 < config.iterations:
            with clock.phase("state"):
                team.save(engines_folder(state, iteration + 1))
                write_progress(state, progress, config)
    with clock.phase("evaluation"):
        after = evaluate(session, config.iterations)
    team.export(job.output.child("checkpoint"))
    return {"progress": progress, "after": after, "seconds": clock.seconds, "kind": kind_of(job.pairs),
            "weights": session.weights, "prompts": len(session.training)}


def prepare(job: Job, team: Team, progress: Progress) -> Session:
    """Read the tokenizer and the prompts."""
    config, kind = job.config, kind_of(job.pairs)
    tokenizer = Tokenizer.open(job.sft.local())
    weights = {**dict.fromkeys(KINDS[kind].rewards, 0.0), **chosen_rewards(config.rewards, kind)}
    wanted = max(config.iterations * config.prompts, config.calibration)
    training = read_prompts(job.pairs, tokenizer, "train", wanted, config.prompt_tokens)
    heldout = read_prompts(job.pairs, tokenizer, "heldout", config.evaluation, config.prompt_tokens)
    return Session(config, job.seed, team, tokenizer, weights, training, heldout, progress)


def update(session: Session, experience: Experience, iteration: int) -> dict[str, float]:
    """Take every optimizer step of an iteration, and return the figures of it; the first ratio must still be 1."""
    config = session.config
    steps = list(minibatches(experience.rows, config, session.seed, iteration))
    figures = session.team.update(steps, session.progress.kl_coefficient)
    actor, critic = figures["actor"], figures["critic"]
    first, moved = actor[0]["worst"], experience.figures["kl_k3"] if iteration == 0 else 0.0
    if max(first, moved) > FIRST_STEP[computing_type(config.dtype)]:
        raise RuntimeError(f"before any update the ratio is off 1 by {first:.3g}, the divergence {moved:.3g}: the actor does "
                           "not compute what it did when the answers were scored")
    return {"policy_loss": _mean(actor, "loss"), "clipped": _mean(actor, "clipped"), "first_ratio": first,
            "actor_gradient": _mean(actor, "gradient_norm"), "value_loss": _mean(critic, "loss"),
            "critic_gradient": _mean(critic, "gradient_norm")}


def minibatches(rows: Rows, config: RlhfConfig, seed: int, iteration: int) -> Iterator[Step]:
    """Yield an iteration's optimizer steps: each epoch a new division of the answers into minibatches."""
    count = len(rows["ids"])
    number = iteration * config.epochs * (count // config.minibatch)
    for epoch in range(config.epochs):
        generator = torch.Generator().manual_seed(seed_of(seed, "minibatch", iteration, epoch))
        for index in torch.randperm(count, generator=generator).split(config.minibatch):
            part = select(rows, index)
            yield Step(part, int(part["mask"].sum()), number)
            number += 1


def record(session: Session, figures: dict[str, float], iteration: int) -> None:
    """Add an iteration to the history and adapt the KL coefficient for the next."""
    progress, kl = session.progress, session.config.kl
    progress.history.append({"iteration": iteration + 1, **figures, "kl_coefficient": progress.kl_coefficient})
    progress.kl_coefficient = adapted_coefficient(progress.kl_coefficient, figures["kl_k3"], kl.target, kl.rate)
    progress.iteration = iteration + 1


def note(figures: dict[str, float]) -> str:
    """What the progress display says of an iteration."""
    return f"reward {figures['reward_total']:.3f}, KL {figures['kl']:.4f}, {figures['length']:.0f} tokens an answer"


def _mean(figures: list[dict[str, float]], name: str) -> float:
    return sum(figure[name] for figure in figures) / len(figures)


def run(job: Job, make_team: Callable[[], Team], lost: type[Exception]) -> dict[str, Any]:
    """Run `align`; when a process of the team dies, build a new team and go on from the last state.

    At most `restarts` times; the result's `restarts` says how often. `lost` is what the team raises for a dead process;
    a collective that broke because another rank died raises something else, so the team is asked too.
    """
    for attempt in range(job.config.restarts + 1):
        team = None
        try:
            team = make_team()
            return {**align(job, team), "restarts": attempt}
        except Exception as error:
            died = isinstance(error, lost) or (team is not None and team.broken())
            if not died or attempt == job.config.restarts:
                raise
        finally:
            if team is not None:
                team.close()
    raise AssertionError("unreachable: the loop returns or raises")
