"""Checks of a written checkpoint with the programs that will read it: compressed-tensors' own decompression, and vLLM.

Both are imported here alone: they take ten seconds, so the check runs in a process of its own that starts while the network
is still being compressed. Where vLLM is not installed the checkpoint is written unchecked, and the report says so.
"""

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from raylm.device import serving_dtype
from raylm.model.hf_io import WEIGHTS
from raylm.model.int8 import dequantize, is_quantized

ENVIRONMENT = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_LOGGING_LEVEL": "ERROR", "VLLM_NO_USAGE_STATS": "1",
               "VLLM_CPU_OMP_THREADS_BIND": "nobind", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
"""For the checking process: the engine in this process, on one thread (several spin against each other), quiet, offline."""
CACHE_BYTES = 64 << 20


def vllm_installed() -> bool:
    """Whether vLLM can be imported here, without importing it."""
    return importlib.util.find_spec("vllm") is not None


def decompression_differs(folder: Path) -> list[str]:
    """Return the layers whose weights compressed-tensors restores otherwise than we do, bit for bit; none is right.

    A dense checkpoint has nothing to restore.
    """
    if not is_quantized(folder):
        return []
    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.quantization import QuantizationConfig

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))["quantization_config"]
    scheme = QuantizationConfig.model_validate(config).config_groups["group_0"]
    compressor = BaseCompressor.get_value_from_registry(config["format"])
    state = load_file(folder / WEIGHTS)
    differing = []
    for name in sorted(state):
        if not name.endswith(".weight_scale"):
            continue
        layer = name.removesuffix(".weight_scale")
        parts = {"weight": state[f"{layer}.weight"], "weight_scale": state[name]}
        if not torch.equal(compressor.decompress(parts, scheme)["weight"], dequantize(parts["weight"], parts["weight_scale"])):
            differing.append(layer)
    return differing


def vllm_logprobs(folder: Path, windows: list[list[int]], context: int) -> list[list[float]]:
    """Load a checkpoint in vLLM, in this process, and return the log-probability of every token but each window's first."""
    os.environ.update(ENVIRONMENT)
    from vllm import LLM, SamplingParams

    engine: Any = LLM(str(folder), dtype=serving_dtype(), max_model_len=context, enforce_eager=True,
                      distributed_executor_backend="uni", kv_cache_memory_bytes=CACHE_BYTES, enable_prefix_caching=False,
                      disable_log_stats=True)
    outputs = engine.generate([{"prompt_token_ids": window} for window in windows],
                              SamplingParams(max_tokens=1, temperature=0, prompt_logprobs=0), use_tqdm=False)
    return [[scores[token].logprob for token, scores in zip(window[1:], output.prompt_logprobs[1:], strict=True)]
            for window, output in zip(windows, outputs, strict=True)]


def own_logprobs(logits: Tensor, ids: Tensor) -> Tensor:
    """Return the log-probability of each token after the first: (windows, length, vocabulary) to (windows, length - 1)."""
    return torch.log_softmax(logits[:, :-1].float(), dim=-1).gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1)


def verify(folder: Path, windows: list[list[int]], expected: list[list[float]], context: int) -> dict[str, Any]:
    """Check a checkpoint folder; `expected` are our own log-probabilities of the windows' tokens.

    Returns:
        `vllm_difference`: mean absolute difference of vLLM's log-probabilities from ours (nats; ours are float32, vLLM's are
        bfloat16 between the layers where the processor has it); `vllm_loss`, `our_loss`: the mean losses.

    Raises:
        RuntimeError: a layer is restored otherwise than written, or vLLM computes something else than was compressed.
    """
    if differing := decompression_differs(folder):
        raise RuntimeError(f"compressed-tensors restores {len(differing)} layers otherwise than written, first {differing[0]}")
    seen = torch.tensor([value for row in vllm_logprobs(folder, windows, context) for value in row])
    wanted = torch.tensor([value for row in expected for value in row])
    difference = float((seen - wanted).abs().mean())
    if not difference < 0.1:
        raise RuntimeError(f"vLLM's log-probabilities of the compressed model are {difference:.3f} nats from ours on average")
    return {"vllm_difference": difference, "vllm_loss": float(-seen.mean()), "our_loss": float(-wanted.mean())}
