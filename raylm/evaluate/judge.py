"""The process that holds one checkpoint and measures it: a Ray actor, one for each checkpoint, all alive together.

Together, so that timed rounds go in turn over the checkpoints; each in a process of its own, because vLLM wants one.
"""

import time
from dataclasses import dataclass
from typing import Any

from raylm.device import serving_dtype
from raylm.errors import UserError
from raylm.evaluate.code import parses, plain_answer
from raylm.evaluate.engine import Engine, Timing
from raylm.evaluate.loss import mean_difference
from raylm.storage import Folder

TOGETHER = 4
"""Windows scored between two looks at the clock."""


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
    engine: str
    """`auto` or `raylm`, as in the recipe."""
    patience: float
    """Seconds for scoring in vLLM."""


class Judge:
    """One checkpoint under examination."""

    def __init__(self, checkpoint: Folder, exam: Exam, tokenizer: Folder) -> None:
        """Take what is to be measured; nothing is loaded yet."""
        self._checkpoint, self._exam, self._tokenizer = checkpoint, exam, tokenizer
        self._engine: Engine | None = None

    def load(self) -> dict[str, Any]:
        """Load the checkpoint; say in which engine and type, in how many seconds, and its sizes.

        The engine follows from the recipe and from what is installed, never from a measurement.
        """
        import torch

        from raylm.evaluate.own_engine import OwnEngine
        from raylm.evaluate.vllm_engine import VllmEngine, vllm_installed

        torch.set_num_threads(1)
        folder, started = self._checkpoint.local(), time.perf_counter()
        if self._exam.engine == "auto" and vllm_installed():
            dtype = serving_dtype()
            self._engine = VllmEngine(folder, self._exam.context, dtype)
        else:
            dtype, self._engine = "float32", OwnEngine(folder)
        return {"engine": self._engine.name, "dtype": dtype, "load_seconds": time.perf_counter() - started,
                **sizes(self._checkpoint)}

    def _loaded(self) -> Engine:
        if self._engine is None:
            raise RuntimeError("load() comes first")
        return self._engine

    def quality(self, compare: bool) -> dict[str, Any]:
        """Score the windows and answer the prompts.

        Args:
            compare: whether to score the windows with our own engine too.

        Returns:
            `logprobs` per window, `parse_rate` (None without prompts), `sample` (the first answer), `difference` (mean absolute,
            None unless compared).

        Raises:
            UserError: vLLM is so slow here that scoring takes longer than `patience`.
        """
        from raylm.evaluate.own_engine import OwnEngine
        from raylm.tokenizer.text import Tokenizer

        exam, engine = self._exam, self._loaded()
        own = engine.name == OwnEngine.name
        logprobs = engine.logprobs(exam.windows) if own else scored(engine, exam.windows, exam.patience)
        difference = None
        if compare and not own:
            difference = mean_difference(logprobs, OwnEngine(self._checkpoint.local()).logprobs(exam.windows))
        tokenizer = Tokenizer.open(self._tokenizer.local())
        texts = [tokenizer.decode(answer) for answer in engine.answers(exam.prompts, exam.max_new, set(exam.stop))]
        answers = [plain_answer(text) if exam.plain else text for text in texts]
        rate = round(sum(map(parses, answers)) / len(answers), 4) if answers else None
        return {"logprobs": logprobs, "parse_rate": rate, "sample": answers[0] if answers else None, "difference": difference}

    def timed(self, prompts: list[list[int]], new: int) -> Timing:
        """Time one round."""
        return self._loaded().timed(prompts, new)


def scored(engine: Engine, windows: list[list[int]], patience: float) -> list[list[float]]:
    """Return `engine.logprobs` of the windows, computed a few at a time with an eye on the clock.

    Raises:
        UserError: some windows are still to come after `patience` seconds.
    """
    started = time.monotonic()
    logprobs: list[list[float]] = []
    for first in range(0, len(windows), TOGETHER):
        spent = time.monotonic() - started
        if spent > patience:
            raise UserError(f"evaluate.patience: {engine.name} scored {first} of {len(windows)} windows in {spent:.0f} s, allowed: "
                            f"{patience:g}; raise it, or use --set evaluate.engine=raylm (is there no fast kernel here?)")
        logprobs += engine.logprobs(windows[first:first + TOGETHER])
    return logprobs


def sizes(checkpoint: Folder) -> dict[str, int]:
    """Return `weight_bytes`, the safetensors files of a checkpoint, and `folder_bytes`, all its files."""
    folder = checkpoint.local()
    files = {file.name: file.stat().st_size for file in folder.iterdir() if file.is_file()}
    weights = sum(size for name, size in files.items() if name.endswith(".safetensors"))
    return {"weight_bytes": weights, "folder_bytes": sum(files.values())}
