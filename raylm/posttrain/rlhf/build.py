"""The rlhf stage on Ray: it reserves the placement, starts the controller in a process of its own, and words the outcome.

The driver holds no tensor and imports no torch: the controller is a Ray task, and the placement group is given back whatever
happens.
"""

from typing import Any

import ray
from ray.util.placement_group import PlacementGroup, placement_group, remove_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from raylm.errors import UserError
from raylm.posttrain.rlhf.config import RlhfConfig
from raylm.posttrain.rlhf.group import bundles, workers_of
from raylm.posttrain.rlhf.rewards import chosen_rewards
from raylm.stage import Outcome, StageContext
from raylm.storage import Folder

RESULT = "result.json"
PATIENCE = 120.0
"""Seconds to wait for the cluster to offer the placement."""


def build(ctx: StageContext[RlhfConfig]) -> Outcome:
    """Align the SFT checkpoint with PPO; fill the output with `checkpoint/`.

    Raises:
        UserError: the cluster is too small for the roles, a reward is unknown, or there are no prompts.
    """
    inputs = _inputs(ctx)
    chosen_rewards(ctx.config.rewards, str(inputs["pairs"].read_json("index.json")["kind"]))  # before anything starts
    if not ctx.output.exists(RESULT):
        ctx.meter.begin("rlhf: start the roles", "processes", sum(workers_of(ctx.config).values()))
        placement = _reserve(ctx.config)
        try:
            task = ray.remote(_control).options(
                num_cpus=ctx.config.cpus_per_worker, max_retries=ctx.config.restarts,
                scheduling_strategy=PlacementGroupSchedulingStrategy(placement, placement_group_bundle_index=0))
            ray.get(task.remote(ctx.config, ctx.seed, inputs, ctx.output, ctx.meter, placement))
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, UserError):
                raise UserError(str(error.cause)) from None
            raise
        finally:
            remove_placement_group(placement)
    ctx.output.child("_state").clear()
    return _outcome(ctx.output.read_json(RESULT), ctx.config)


def _inputs(ctx: StageContext[RlhfConfig]) -> dict[str, Folder]:
    sft = ctx.inputs["sft"].folder
    return {"sft": sft.child("checkpoint"), "reward": ctx.inputs["reward"].folder.child("checkpoint"),
            "pairs": sft.child("pairs")}


def _reserve(config: RlhfConfig) -> PlacementGroup:
    slots = bundles(workers_of(config), config.cpus_per_worker, ray.cluster_resources().get("GPU", 0.0))
    placement = placement_group(slots, strategy="PACK")
    if placement.wait(PATIENCE):
        return placement
    remove_placement_group(placement)
    wanted = sum(slot["CPU"] for slot in slots)
    raise UserError(f"rlhf: the cluster did not offer {wanted:g} CPUs in {len(slots)} slots within {PATIENCE:g} s; allowed: "
                    "fewer workers, or a lower rlhf.cpus_per_worker")


def _control(config: RlhfConfig, seed: int, inputs: dict[str, Folder], output: Folder, meter: Any,
             placement: PlacementGroup) -> None:
    """Run PPO in this process and write what it measured; the last thing written, so its presence means the end."""
    import torch

    from raylm.posttrain.rlhf.controller import Job, run
    from raylm.posttrain.rlhf.team import RayTeam

    torch.set_num_threads(1)
    job = Job(config, seed, inputs["sft"], inputs["reward"], inputs["pairs"], output, meter)
    result = run(job, lambda: RayTeam(job.sft, job.reward, config, placement), ray.exceptions.RayActorError)
    progress = result.pop("progress")
    output.write_json(RESULT, {**result, "before": progress.before, "history": progress.history, "resumes": progress.resumes,
                               "reward_mean": progress.reward_mean, "reward_deviation": progress.reward_deviation})


def _outcome(result: dict[str, Any], config: RlhfConfig) -> Outcome:
    before, after = result["before"], result["after"]
    metrics = {name: result[name] for name in ("kind", "weights", "before", "after", "history", "reward_mean",
                                               "reward_deviation")}
    check = next(name for name in after["rewards"] if name not in ("model", "total"))
    headline = {"held-out reward": f"{before['rewards']['total']:.3f} → {after['rewards']['total']:.3f}",
                check: f"{before['rewards'][check]:.3f} → {after['rewards'][check]:.3f}",
                "KL": f"{after['kl']:.4f} nats/token"}
    answers = config.iterations * config.prompts
    return Outcome(metrics, headline, counts_in={"prompts": result["prompts"]}, counts_out={"answers": answers},
                   cost={"phases": result["seconds"], "resumes": result["resumes"], "restarts": result["restarts"],
                         "answers_per_second": answers / max(sum(result["seconds"].values()), 1e-9)})
