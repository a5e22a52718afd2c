"""vLLM within this process: loads in seconds, and is what serves the checkpoint in the end. One engine a process.

The tokenizer is left out (everything is ids), prefixes are not cached (a repeated prompt would be timed as free), and one
thread is used: on few cores several threads spend their time waiting for each other.
"""

import importlib.util
import os
import time
from pathlib import Path
from typing import Any, Literal

from raylm.evaluate.engine import Timing

ENVIRONMENT = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_LOGGING_LEVEL": "ERROR", "VLLM_NO_USAGE_STATS": "1",
               "VLLM_CPU_OMP_THREADS_BIND": "nobind", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
"""What a process must have in its environment before it imports vLLM."""
CACHE_BYTES = 128 << 20
"""Keys and values: 16 sequences of 512 tokens of a model of a few million parameters fill a quarter of it."""


def vllm_installed() -> bool:
    """Whether vLLM can be imported here, without importing it."""
    return importlib.util.find_spec("vllm") is not None


class VllmEngine:
    """A checkpoint loaded in vLLM."""

    name = "vLLM"

    def __init__(self, folder: Path, context: int, dtype: Literal["bfloat16", "float32"]) -> None:
        """Load a Hugging Face folder.

        Args:
            folder: the checkpoint.
            context: longest sequence.
            dtype: type of activations and unquantised weights, `bfloat16` or `float32`.
        """
        os.environ.update(ENVIRONMENT)
        from vllm import LLM

        self._llm: Any = LLM(str(folder), dtype=dtype, max_model_len=context, enforce_eager=True,
                             distributed_executor_backend="uni", kv_cache_memory_bytes=CACHE_BYTES, enable_prefix_caching=False,
                             disable_log_stats=True, skip_tokenizer_init=True, max_num_seqs=64)
        self._count = 0

    def logprobs(self, windows: list[list[int]]) -> list[list[float]]:
        """See `Engine.logprobs`; computed by vLLM as the prompts' own log-probabilities."""
        from vllm import SamplingParams

        parameters = SamplingParams(max_tokens=1, temperature=0, prompt_logprobs=0, detokenize=False)
        outputs = self._llm.generate([{"prompt_token_ids": window} for window in windows], parameters, use_tqdm=False)
        return [[scores[token].logprob for token, scores in zip(window[1:], output.prompt_logprobs[1:], strict=True)]
                for window, output in zip(windows, outputs, strict=True)]

    def answers(self, prompts: list[list[int]], max_new: int, stop: set[int]) -> list[list[int]]:
        """See `Engine.answers`."""
        from vllm import SamplingParams

        parameters = SamplingParams(max_tokens=max_new, temperature=0, stop_token_ids=sorted(stop), detokenize=False)
        outputs = self._llm.generate([{"prompt_token_ids": prompt} for prompt in prompts], parameters, use_tqdm=False)
        return [[token for token in output.outputs[0].token_ids if token not in stop] for output in outputs]

    def timed(self, prompts: list[list[int]], new: int) -> Timing:
        """See `Engine.timed`; a step of the engine is a token of every prompt."""
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        parameters = SamplingParams(max_tokens=new, min_tokens=new, ignore_eos=True, temperature=0, detokenize=False,
                                    output_kind=RequestOutputKind.DELTA)
        engine = self._llm.llm_engine
        for prompt in prompts:
            engine.add_request(f"timed-{self._count}", {"prompt_token_ids": prompt}, parameters)
            self._count += 1
        arrivals, tokens, started = [], 0, time.perf_counter()
        while engine.has_unfinished_requests():
            fresh = sum(len(output.outputs[0].token_ids) for output in engine.step())
            tokens += fresh
            if fresh:
                arrivals.append(time.perf_counter() - started)
        return Timing(arrivals, tokens)
