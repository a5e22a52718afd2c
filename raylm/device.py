"""What the machine that runs this process can do: one place for capability checks, so that CPU and GPU run the same program."""

import os
from typing import Literal

import torch


def device() -> torch.device:
    """Return the device this process computes on: its first visible CUDA device, else the CPU."""
    return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")


def backend() -> str:
    """Return the collective backend that fits the device: `nccl` or `gloo`."""
    return "nccl" if torch.cuda.is_available() else "gloo"


def compute_dtype() -> torch.dtype:
    """Return the 16-bit type to compute in. bfloat16 everywhere: fp16 has no CPU kernels and needs loss scaling."""
    return torch.bfloat16


def cpu_threads(processes: int) -> int:
    """Return the threads each of `processes` processes on this machine should use, so that together they fill its cores."""
    return max(1, (os.cpu_count() or 1) // max(1, processes))


def serving_dtype() -> Literal["bfloat16", "float32"]:
    """Return the type that vLLM should compute in on this machine.

    Processors without bfloat16 instructions multiply bfloat16 matrices some ten times slower than float32 ones, and oneDNN has no
    fast kernel that ends calibrated int8 products in bfloat16 (a reference loop runs, hundreds of times slower).
    """
    if torch.cuda.is_available() or torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return "bfloat16"
    return "float32"


def gpu_share(processes: int) -> float:
    """Return the GPUs that Ray should give each of `processes` processes that live together: equal parts of one, or 0 where the
    cluster has none.
    """
    import ray

    return 1 / processes if ray.cluster_resources().get("GPU", 0) >= 1 else 0.0
