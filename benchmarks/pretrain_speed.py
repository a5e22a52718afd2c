"""Pretraining tokens/s: raylm's engine against the Hugging Face Trainer, on the same model, windows and cores.

    .venv/bin/pip install -e ".[benchmarks]"                 # once: what the peers want
    .venv/bin/python -m benchmarks.pretrain_speed            # some 25 minutes on two idle cores; --only for less

Every contender does the same optimiser steps on the same token windows (bytes of the standard library as token ids: what a token
means costs nothing) from the same kind of network, and reports the median of its steps after a warm-up, so that start-up time is
not counted. raylm runs as in a recipe: two Ray Train workers with one thread each, documents masked from each other. The Trainer
runs as its users run it: one process with all cores, bf16 or float32, no document mask, which is the cheaper attention. Ratios are
against the fastest of its variants: where a CPU has no bf16 products, that is float32.
"""

import argparse
import json
import os
import statistics
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import main

VOCABULARY = 4096


def make_shards(folder: Path, megabytes: int = 6) -> None:
    """Write token shards of the standard library's bytes into `folder`, as the tokenize stage would."""
    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    texts: list[bytes] = []
    for file in files:
        texts.append(file.read_bytes())
        if sum(map(len, texts)) > megabytes * 1_000_000:
            break
    size = {"tokens": sum(map(len, texts)), "documents": len(texts), "bytes": sum(map(len, texts))}
    for split in ("train", "heldout"):
        target = folder / "shards" / "stdlib" / split
        target.mkdir(parents=True)
        np.save(target / "tokens-00000.npy", np.frombuffer(b"".join(texts), np.uint8).astype(np.uint16))
        np.save(target / "offsets-00000.npy", np.cumsum([0, *map(len, texts)]).astype(np.int64))
    (folder / "tokenizer").mkdir()
    (folder / "index.json").write_text(json.dumps({
        "vocabulary": VOCABULARY, "dtype": "uint16", "heldout_fraction": 0.02,
        "sources": {"stdlib": {"train": size, "heldout": size}}}))


def shape(options: argparse.Namespace) -> Any:
    """Return the network that all contenders train: the quickstart's, or a larger one."""
    from raylm.model.config import ModelConfig

    if options.size == "5.8M":
        return ModelConfig(vocabulary=VOCABULARY, hidden=256, layers=6, heads=8, kv_heads=8, feed_forward=688,
                           context=options.length)
    return ModelConfig(vocabulary=VOCABULARY, hidden=192, layers=4, heads=6, kv_heads=3, feed_forward=512,
                       context=options.length)


def raylm(options: argparse.Namespace, **changes: Any) -> dict[str, float]:
    """Train with raylm's own stage code under Ray Train."""
    from raylm.pipeline.session import session
    from raylm.pretrain.task import PretrainTask
    from raylm.progress import Meter
    from raylm.storage import Folder
    from raylm.training.config import TrainConfig
    from raylm.training.launch import train

    with tempfile.TemporaryDirectory() as place, session():
        make_shards(Path(place) / "tokens")
        config = TrainConfig(**{"steps": options.steps, "batch": options.batch, "micro_batch": options.batch // 2, "warmup": 5,
                                "checkpoint_every": 10**6, "evaluate_every": 10**6, **changes})
        task = PretrainTask(shape(options), Folder.at(Path(place) / "tokens"), {"stdlib": 1.0}, options.length, 0, 1, 1)
        log = train(task, config, Folder.at(Path(place) / "out"), seed=0, meter=Meter(), title="benchmark")
    seconds = statistics.median(step["seconds"] for step in log.steps[options.warmup:])
    return {"rate": options.batch * options.length / seconds, "seconds_per_step": seconds,
            "first_loss": log.steps[0]["loss"], "last_loss": log.steps[-1]["loss"]}


def trainer(options: argparse.Namespace, **changes: Any) -> dict[str, float]:
    """Train with the Hugging Face Trainer."""
    import torch
    from torch.utils.data import Dataset
    from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainerCallback, TrainingArguments

    from raylm.model.hf_io import to_hf
    from raylm.tokenizer.shards import TokenShards
    from raylm.training.feed import Feed

    torch.set_num_threads(os.cpu_count() or 1)
    torch.manual_seed(0)
    times: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *arguments: Any, **more: Any) -> None:
            times.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as place:
        make_shards(Path(place) / "tokens")
        feed = Feed(TokenShards.open(Path(place) / "tokens"), {"stdlib": 1.0}, options.length, 0)

        class Windows(Dataset):
            def __len__(self) -> int:
                return options.steps * options.batch

            def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
                ids = feed.batch(index, 1)["ids"][0]
                return {"input_ids": ids, "labels": ids}

        special: dict[str, int | None] = {"bos": None, "eos": None, "pad": None}
        model = LlamaForCausalLM(LlamaConfig(**to_hf(shape(options), torch.float32, scorer=False, special=special)))
        run = Trainer(model=model, train_dataset=Windows(), callbacks=[Clock()], args=TrainingArguments(**{
            "output_dir": place, "per_device_train_batch_size": options.batch, "max_steps": options.steps,
            "learning_rate": 1e-3,
            "adam_beta2": 0.95, "weight_decay": 0.1, "max_grad_norm": 1.0, "lr_scheduler_type": "cosine", "bf16": True,
            "use_cpu": True, "report_to": [], "save_strategy": "no", "logging_steps": 10**6, "disable_tqdm": True, **changes}))
        run.train()
    seconds = statistics.median(b - a for a, b in zip(times[options.warmup:], times[options.warmup + 1:], strict=False))
    return {"rate": options.batch * options.length / seconds, "seconds_per_step": seconds}


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--steps", type=int, default=30, help="optimiser steps (30)")
    parser.add_argument("--warmup", type=int, default=8, help="first steps that are not timed (8)")
    parser.add_argument("--batch", type=int, default=16, help="windows per step (16)")
    parser.add_argument("--length", type=int, default=256, help="tokens per window (256)")
    parser.add_argument("--size", choices=["2.4M", "5.8M"], default="2.4M", help="parameters of the network (2.4M)")


if __name__ == "__main__":
    sys.exit(main("pretrain_speed", "tokens/s", {
        "trainer": trainer,
        "trainer fp32": lambda options: trainer(options, bf16=False),
        "trainer compile": lambda options: trainer(options, torch_compile=True),
        "raylm zero-3": raylm,
        "raylm zero-3 compile": lambda options: raylm(options, compile=True),
        "raylm zero-1": lambda options: raylm(options, zero_stage=1),
        "raylm zero-1 compile": lambda options: raylm(options, zero_stage=1, compile=True),
    }, ("trainer", "trainer fp32", "trainer compile"), _options))
