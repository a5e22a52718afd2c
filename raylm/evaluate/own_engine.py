"""Our own network as an engine: the reference that vLLM is compared with, and the engine of machines without vLLM."""

import time
from pathlib import Path

import torch

from raylm.evaluate.engine import Timing
from raylm.model.generate import generate
from raylm.model.hf_io import load_decoder
from raylm.model.int8 import is_quantized, load_int8_decoder
from raylm.model.loss import logprobs

BATCH = 8


class OwnEngine:
    """A checkpoint loaded as `raylm.model`, computing in float32; 8-bit layers are simulated, exactly but not fast."""

    name = "raylm"

    def __init__(self, folder: Path) -> None:
        """Load a dense or W8A8 checkpoint folder."""
        self.simulated = is_quantized(folder)
        self._decoder = load_int8_decoder(folder) if self.simulated else load_decoder(folder)

    @torch.inference_mode()
    def logprobs(self, windows: list[list[int]]) -> list[list[float]]:
        """See `Engine.logprobs`; windows of like length are computed together, padded on the right."""
        results: dict[int, list[float]] = {}
        order = sorted(range(len(windows)), key=lambda i: -len(windows[i]))
        for start in range(0, len(order), BATCH):
            chosen = order[start:start + BATCH]
            longest = len(windows[chosen[0]])
            ids = torch.tensor([windows[i] + [0] * (longest - len(windows[i])) for i in chosen])
            labels = torch.tensor([windows[i][1:] + [-100] * (longest - len(windows[i])) for i in chosen])
            scores = logprobs(self._decoder(ids[:, :-1]), labels)  # (windows, longest - 1)
            results |= {i: row[:len(windows[i]) - 1].tolist() for i, row in zip(chosen, scores, strict=True)}
        return [results[i] for i in range(len(windows))]

    def answers(self, prompts: list[list[int]], max_new: int, stop: set[int]) -> list[list[int]]:
        """See `Engine.answers`."""
        found: list[list[int]] = []
        for start in range(0, len(prompts), BATCH):
            rollout = generate(self._decoder, prompts[start:start + BATCH], max_new=max_new, temperature=0, stop=stop)
            found += [[token for token in tokens if token not in stop] for tokens in rollout.tokens]
        return found

    def timed(self, prompts: list[list[int]], new: int) -> Timing:
        """See `Engine.timed`; only the first token and the whole are seen, the steps between are taken as equal."""
        moments = []
        for count in (1, new):
            started = time.perf_counter()
            generate(self._decoder, prompts, max_new=count, temperature=0)
            moments.append(time.perf_counter() - started)
        step = max(moments[1] - moments[0], 0.0) / max(new - 1, 1)
        return Timing([moments[0] + step * i for i in range(new)], new * len(prompts))
