"""The five roles as one object to the controller, over Ray: what it asks runs on all of them at the same time where it can.

Rows are divided per worker before they are sent, so no process receives what it does not compute on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import ray
import torch
from ray.util.placement_group import PlacementGroup
from torch import Tensor

from raylm.posttrain.rlhf.batch import Rows, split
from raylm.posttrain.rlhf.config import RlhfConfig
from raylm.posttrain.rlhf.group import WorkerGroup
from raylm.posttrain.rlhf.roles import Actor, Critic, Reference, RewardModel
from raylm.posttrain.rlhf.rollout import Generated, TorchRollout
from raylm.storage import Folder


@dataclass(frozen=True)
class Step:
    """One optimizer step of actor and critic."""

    rows: Rows
    tokens: int
    """Masked-in tokens of `rows`."""
    number: int
    """Optimizer steps before this one, over the whole run."""


class Team(Protocol):
    """What the controller needs of the models."""

    def generate(self, prompts: list[list[int]], stop: list[int], seeds: list[int]) -> list[Generated]:
        """Answer prompts in chunks of `rollout_batch`, one seed per chunk."""
        ...

    def judge(self, rows: Rows) -> Rows:
        """Return `old` (actor), `reference` and `values` (batch, answer), and `scores` (batch,) of the reward model."""
        ...

    def score(self, rows: Rows) -> Tensor:
        """Return the reward model's raw scores (batch,)."""
        ...

    def update(self, steps: Sequence[Step], kl_coefficient: float) -> dict[str, list[dict[str, float]]]:
        """Take the steps in order; return each one's figures under `actor` and `critic`."""
        ...

    def sync(self, version: int) -> None:
        """Bring the actor's weights to the rollout engines as `version`."""
        ...

    def save(self, folder: Folder) -> None:
        """Write the state of actor and critic."""
        ...

    def restore(self, folder: Folder) -> None:
        """Read what `save` wrote."""
        ...

    def export(self, output: Folder) -> None:
        """Write the actor as a Hugging Face checkpoint."""
        ...

    def broken(self) -> bool:
        """Whether a process has died."""
        ...

    def close(self) -> None:
        """End all processes."""
        ...


class RayTeam:
    """A `Team` of Ray actors in one placement group."""

    def __init__(self, sft: Folder, reward: Folder, config: RlhfConfig, placement: PlacementGroup) -> None:
        """Start every role from the published checkpoints; returns when all are ready."""
        self.config = config

        def group(factory: Any, workers: int = 1, collective: bool = False) -> WorkerGroup:
            return WorkerGroup(factory, workers, placement, config.cpus_per_worker, collective=collective)

        self.actor = group(partial(Actor, sft, config, config.actor_workers), config.actor_workers, True)
        self.critic = group(partial(Critic, reward, config, config.critic_workers), config.critic_workers, True)
        self.reference = group(partial(Reference, sft, config))
        self.reward = group(partial(RewardModel, reward, config))
        self.rollout = group(partial(TorchRollout, sft, config), config.rollout_workers)
        self.groups = [self.actor, self.critic, self.reference, self.reward, self.rollout]
        try:
            ray.get([reference for member in self.groups for reference in member.start()])
        except BaseException:
            self.close()
            raise

    def generate(self, prompts: list[list[int]], stop: list[int], seeds: list[int]) -> list[Generated]:
        """See `Team`."""
        size = self.config.rollout_batch
        shares = [(prompts[chunk * size:(chunk + 1) * size], stop, seed) for chunk, seed in enumerate(seeds)]
        made: list[Generated] = ray.get(self.rollout.scatter("generate", shares))
        return made

    def judge(self, rows: Rows) -> Rows:
        """See `Team`; the four run at the same time."""
        asked = {"old": self._scatter(self.actor, "measure", rows),
                 "values": self._scatter(self.critic, "measure", rows),
                 "reference": self._scatter(self.reference, "measure", rows),
                 "scores": self._scatter(self.reward, "score", rows)}
        return {name: torch.cat(ray.get(answers))[:len(rows["ids"])] for name, answers in asked.items()}

    def score(self, rows: Rows) -> Tensor:
        """See `Team`."""
        return torch.cat(ray.get(self._scatter(self.reward, "score", rows)))[:len(rows["ids"])]

    def update(self, steps: Sequence[Step], kl_coefficient: float) -> dict[str, list[dict[str, float]]]:
        """See `Team`; actor and critic work at the same time, and all steps are queued at once."""
        asked: dict[str, list[list[Any]]] = {"actor": [], "critic": []}
        for name, group in (("actor", self.actor), ("critic", self.critic)):
            for step in steps:
                shares = split(step.rows, len(group.members))
                asked[name].append(group.scatter(
                    "update", [(share, step.tokens, step.number, kl_coefficient) for share in shares]))
        return {name: [_joined(ray.get(references)) for references in queued] for name, queued in asked.items()}

    def sync(self, version: int) -> None:
        """See `Team`. The weights go from the actor's first rank to the engines through the object store."""
        weights = self.actor.call("weights")
        versions = ray.get(self.rollout.call("load", weights[0], version))
        ray.get(weights[1:])
        if set(versions) != {version}:
            raise RuntimeError(f"rollout engines hold versions {sorted(set(versions))} after the sync of {version}")

    def save(self, folder: Folder) -> None:
        """See `Team`."""
        ray.get([*self.actor.call("save", folder.child("actor")), *self.critic.call("save", folder.child("critic"))])

    def restore(self, folder: Folder) -> None:
        """See `Team`."""
        ray.get([*self.actor.call("restore", folder.child("actor")), *self.critic.call("restore", folder.child("critic"))])

    def export(self, output: Folder) -> None:
        """See `Team`."""
        ray.get(self.actor.call("export", output))

    def broken(self) -> bool:
        """See `Team`."""
        return any(group.broken() for group in self.groups)

    def close(self) -> None:
        """See `Team`."""
        for group in self.groups:
            group.close()

    def _scatter(self, group: WorkerGroup, method: str, rows: Rows) -> list[Any]:
        return group.scatter(method, [(share,) for share in split(rows, len(group.members))])


def _joined(figures: list[dict[str, float]]) -> dict[str, float]:
    """One step's figures from those of every rank: sums are equal on all, the worst is the worst of any."""
    return {**figures[0], "worst": max(figure["worst"] for figure in figures)}
