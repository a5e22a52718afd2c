"""DeepSpeed, configured: the one place that knows its dictionary of options.

The network is built whole on every worker and handed to `deepspeed.initialize`, not inside `deepspeed.zero.Init`: that context
skips initialisation code that runs in a module's constructor, silently, and the first loss is then far from ln(vocabulary).
"""

import logging
import os
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from raylm.device import backend, device
from raylm.model.decoder import Block
from raylm.native import prepare_environment
from raylm.training.config import TrainConfig


def deepspeed_config(config: TrainConfig, workers: int, accumulation: int) -> dict[str, Any]:
    """Return DeepSpeed's configuration for a run on `workers` workers with `accumulation` micro-batches a step."""
    micro = config.batch // (workers * accumulation)
    return {
        "train_batch_size": config.batch,
        "train_micro_batch_size_per_gpu": micro,
        "gradient_accumulation_steps": accumulation,
        "gradient_clipping": config.clip,
        "bf16": {"enabled": config.precision == "bf16"},
        # Small parameters are gathered with their block: kept whole, each would cost a collective of its own after every step.
        "zero_optimization": {"stage": config.zero_stage, "stage3_param_persistence_threshold": 0,
                              "memory_efficient_linear": False},
        # torch's AdamW: DeepSpeed's own CPU one is a second C++ build, for the same speed on networks that fit one machine.
        "optimizer": {"type": "AdamW", "params": {
            "lr": config.learning_rate, "betas": list(config.betas), "eps": 1e-8,
            "weight_decay": config.weight_decay, "torch_adam": True}},
        # Each worker saves into a folder of its own, which Ray Train merges: no shared disk is needed.
        "checkpoint": {"use_node_local_storage": True},
        "steps_per_print": 10**9,
    }


def initialize(model: nn.Module, config: TrainConfig, accumulation: int) -> Any:
    """Wrap a network in a DeepSpeed engine. Call it with the process group up; every process must call it.

    Args:
        model: the full network, equal on every process.
        config: how to train it.
        accumulation: micro-batches per step.
    """
    prepare_environment()
    import deepspeed

    logging.getLogger("DeepSpeed").setLevel(logging.WARNING)
    os.environ.setdefault("LOCAL_RANK", os.environ.get("RANK", "0"))
    deepspeed.init_distributed(dist_backend=backend(), auto_mpi_discovery=False, verbose=False)
    # One collective for a block's parameters instead of one hook and one collective for each of its layers.
    deepspeed.utils.set_z3_leaf_modules(model, [Block], raise_if_not_found=False)
    engine, _, _, _ = deepspeed.initialize(
        model=model, model_parameters=parameter_groups(model, config.weight_decay),
        config=deepspeed_config(config, dist.get_world_size(), accumulation))
    if config.compile:
        engine.compile()
    return engine


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Split parameters into matrices, which decay, and vectors (norms), which do not."""
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]


def set_learning_rate(engine: Any, rate: float) -> None:
    """Set the learning rate of the next step."""
    for group in engine.optimizer.param_groups:
        group["lr"] = rate


def full_state(engine: Any) -> dict[str, Tensor]:
    """Return the network's whole state on rank 0 (float tensors on the CPU), an empty one elsewhere. Collective."""
    import deepspeed

    module = engine.module
    state: dict[str, Tensor] = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        with deepspeed.zero.GatheredParameters([parameter], enabled=hasattr(parameter, "ds_id")):
            if dist.get_rank() == 0:
                state[name.removeprefix("_orig_mod.")] = parameter.detach().to("cpu", copy=True)
    return state


def to_device(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Move a batch to this process's device."""
    where = device()
    return {name: tensor.to(where, non_blocking=True) for name, tensor in batch.items()}


def summed(values: list[float]) -> list[float]:
    """Add up numbers over all processes, in float64."""
    tensor = torch.tensor(values, dtype=torch.float64, device=device())
    dist.all_reduce(tensor)
    return [float(value) for value in tensor.tolist()]
