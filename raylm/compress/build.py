"""The compress stage: one Ray task compresses the aligned checkpoint, another process checks what it wrote.

The checker is an actor because it must import vLLM while the task is at work, and because vLLM wants a process to itself.
"""

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray

from raylm.compress.config import CompressConfig
from raylm.errors import UserError
from raylm.progress import Meter
from raylm.stage import Outcome, StageContext
from raylm.storage import Folder

CHECKED_WINDOWS = 4


@dataclass(frozen=True)
class Job:
    """What the task needs; all of it pickles."""

    config: CompressConfig
    parent: Folder
    tokens: Folder
    output: Folder
    seed: int
    meter: Meter


def build(ctx: StageContext[CompressConfig]) -> Outcome:
    """Compress the checkpoint of `rlhf` into `checkpoint/`, calibrated on the training split of `tokenize`.

    Raises:
        UserError: the checkpoint's sizes do not fit the format's kernels, or there is no text to calibrate on.
    """
    from raylm.compress.verify import ENVIRONMENT
    from raylm.device import gpu_share

    ctx.output.child("checkpoint").clear()
    parent = ctx.inputs["rlhf"].folder.child("checkpoint")
    job = Job(ctx.config, parent, ctx.inputs["tokenize"].folder, ctx.output, ctx.seed, ctx.meter)
    with_vllm = ray.remote(num_cpus=1, num_gpus=gpu_share(1), runtime_env={"env_vars": ENVIRONMENT})
    checker: Any = with_vllm(Checker).remote()  # type: ignore[attr-defined]
    warm = checker.warm.remote()
    ctx.meter.begin("compress", "steps", 4)
    try:
        figures: dict[str, Any] = ray.get(ray.remote(num_cpus=1)(compress).remote(job))
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, UserError):
            raise UserError(str(error.cause)) from None
        raise
    ctx.meter.set(3, "checking in vLLM")
    ray.get(warm)
    checked: dict[str, Any] | None = ray.get(
        checker.check.remote(ctx.output.child("checkpoint"), figures.pop("probe"), figures.pop("context")))
    ray.kill(checker)
    ctx.meter.set(4, "done")
    return outcome(figures, checked)


def outcome(figures: dict[str, Any], checked: dict[str, Any] | None) -> Outcome:
    """Arrange the figures of `compress` and of the check as the stage's outcome.

    The losses are those on the calibration text, which is training text: they say what the passes changed, not how good the
    model is. Held-out loss of the compressed checkpoint is the evaluate stage's.
    """
    seconds = figures.pop("seconds")
    before, after = figures["size_before"]["weights"], figures["size_after"]["weights"]
    rise = figures["loss_after"] - figures["loss_before"]
    headline = {"size": f"{before / 1e6:.1f} -> {after / 1e6:.1f} MB", "calibration loss": f"{rise:+.4f} nats",
                "vLLM": "loads" if checked else "not installed, not checked"}
    return Outcome({**figures, "checked": checked}, headline, counts_in={"bytes": before}, counts_out={"bytes": after},
                   cost={"compress_seconds": seconds})


class Checker:
    """A process that has vLLM imported when it is needed."""

    def warm(self) -> None:
        """Import what the check needs."""
        from raylm.compress.verify import vllm_installed

        if vllm_installed():
            import vllm  # noqa: F401 - for its side effect of being there

    def check(self, checkpoint: Folder, probe: dict[str, Any], context: int) -> dict[str, Any] | None:
        """Run `verify` on a folder, or return None where vLLM is not installed."""
        from raylm.compress.verify import verify, vllm_installed

        if not vllm_installed():
            return None
        with checkpoint.as_it_is_now() as folder:  # still to be published: an earlier, killed attempt may have left another
            figures = verify(folder, probe["windows"], probe["logprobs"], context)
        return {name: round(value, 4) for name, value in figures.items()}


def compress(job: Job) -> dict[str, Any]:
    """Compress, write `checkpoint/`, and return the figures, with the windows that the checker compares on."""
    import torch

    from raylm.compress.calibrate import calibration_text
    from raylm.compress.chain import apply_passes
    from raylm.compress.observe import divergence
    from raylm.compress.verify import own_logprobs
    from raylm.compress.write import sizes, write_checkpoint
    from raylm.model.hf_io import load_decoder
    from raylm.tokenizer.shards import TokenShards

    started = time.monotonic()
    torch.set_num_threads(job.config.threads)
    parent = job.parent.local()
    decoder = load_decoder(parent)
    text = calibration_text(TokenShards.open(job.tokens), job.config.calibration, decoder.config.context, job.seed)
    job.meter.set(1, "calibrating")
    result = apply_passes(decoder, job.config.passes, text)
    job.meter.set(2, "comparing")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "checkpoint"
        write_checkpoint(result, parent, folder)
        size = sizes(folder)
        job.output.child("checkpoint").upload(folder)
        shutil.rmtree(folder)
    ids = text.ids[:CHECKED_WINDOWS, :decoder.config.context - 1]  # vLLM wants room for one new token
    with torch.inference_mode():
        probe = {"windows": ids.tolist(), "logprobs": own_logprobs(result.decoder(ids), ids).tolist()}
    losses = {name: round(value, 4) for name, value in divergence(decoder, result.decoder, text).items()}
    return {"passes": [section.identity() for section in job.config.passes], "quantized": result.quantization is not None,
            "size_before": sizes(parent), "size_after": size, "layers": result.layers, **losses,
            "calibration_tokens": text.ids.numel(), "context": decoder.config.context, "probe": probe,
            "seconds": time.monotonic() - started}
