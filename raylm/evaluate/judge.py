"""The process that holds one checkpoint and measures it: a Ray actor, one for each checkpoint, all alive together.

Together, so that timed rounds go in turn over the checkpoints; each in a process of its own, because vLLM wants one.
"""

import time
from dataclasses import dataclass
from typing import Any

from raylm.device import serving_dtype
from raylm.evaluate.code import parses, plain_answer
from raylm.evaluate.engine import Engine, Timing
from raylm.evaluate.loss import mean_difference
from raylm.storage import Folder

TRIAL_TOKENS = 16
BRIEF_NEW = 8


@dataclass(frozen=True)
class Exam:
    """What every checkpoint is given, as token ids."""

    windows: list[list[int]]
    """Held-out text to score."""
    prompts: list[list[int]]
    """Prompts to answer with a function; empty where the corpus has none."""
    plain: bool
    """Whether the prompts are plain text to continue, for a checkpoint that knows no chat."""
    stop: list[int]
    max_new: int
    context: int
    patience: float


class Judge:
    """One checkpoint under examination."""

    def __init__(self, checkpoint: Folder, exam: Exam, tokenizer: Folder) -> None:
        """Take what is to be measured; nothing is loaded yet."""
        self._checkpoint, self._exam, self._tokenizer = checkpoint, exam, tokenizer
        self._engine: Engine | None = None
        self._slow = False

    def load(self) -> dict[str, Any]:
        """Load the checkpoint, in vLLM where it is installed, else in our own engine; say which, and how it was found."""
        import torch

        from raylm.evaluate.own_engine import OwnEngine
        from raylm.evaluate.vllm_engine import VllmEngine, vllm_installed

        torch.set_num_threads(1)
        folder, started = self._checkpoint.local(), time.perf_counter()
        if vllm_installed():
            self._engine = VllmEngine(folder, self._exam.context, serving_dtype())
            self._slow = self._trial() > self._exam.patience
        else:
            self._engine = OwnEngine(folder)
        return {"engine": self._engine.name, "dtype": serving_dtype() if vllm_installed() else "float32", "slow": self._slow,
                "load_seconds": time.perf_counter() - started, **sizes(self._checkpoint)}

    def _loaded(self) -> Engine:
        if self._engine is None:
            raise RuntimeError("load() comes first")
        return self._engine

    def _trial(self) -> float:
        """Return the seconds that scoring all windows would take, from a short one; the first call builds kernels."""
        trial = max(self._exam.windows, key=len, default=[1, 1])[:TRIAL_TOKENS]
        self._loaded().logprobs([trial])
        started = time.perf_counter()
        self._loaded().logprobs([trial])
        return (time.perf_counter() - started) / len(trial) * sum(map(len, self._exam.windows))

    def quality(self, compare: bool) -> dict[str, Any]:
        """Score the windows and answer the prompts.

        Args:
            compare: whether to score the windows with our own engine too.

        Returns:
            `logprobs` per window, `parse_rate` (None without prompts), `sample` (the first answer), `difference` (mean absolute,
            None unless compared), `scored_by` (the engine's name).
        """
        from raylm.evaluate.own_engine import OwnEngine
        from raylm.tokenizer.text import Tokenizer

        exam, engine = self._exam, OwnEngine(self._checkpoint.local()) if self._slow else self._loaded()
        logprobs = engine.logprobs(exam.windows)
        difference = None
        if compare and engine.name != OwnEngine.name:
            difference = mean_difference(logprobs, OwnEngine(self._checkpoint.local()).logprobs(exam.windows))
        tokenizer = Tokenizer.open(self._tokenizer.local())
        texts = [tokenizer.decode(answer) for answer in engine.answers(exam.prompts, exam.max_new, set(exam.stop))]
        answers = [plain_answer(text) if exam.plain else text for text in texts]
        rate = round(sum(map(parses, answers)) / len(answers), 4) if answers else None
        return {"logprobs": logprobs, "parse_rate": rate, "sample": answers[0] if answers else None, "difference": difference,
                "scored_by": engine.name}

    def timed(self, prompts: list[list[int]], new: int) -> Timing | None:
        """Time one round; a slow engine is timed briefly at one prompt and not at all at several (None)."""
        if not self._slow:
            return self._loaded().timed(prompts, new)
        return self._loaded().timed([prompts[0][:TRIAL_TOKENS]], BRIEF_NEW) if len(prompts) == 1 else None


def sizes(checkpoint: Folder) -> dict[str, int]:
    """Return `weight_bytes`, the safetensors files of a checkpoint, and `folder_bytes`, all its files."""
    folder = checkpoint.local()
    files = {file.name: file.stat().st_size for file in folder.iterdir() if file.is_file()}
    weights = sum(size for name, size in files.items() if name.endswith(".safetensors"))
    return {"weight_bytes": weights, "folder_bytes": sum(files.values())}
