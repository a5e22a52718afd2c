"""Writing a compressed checkpoint: the parent's folder with other tensors, and a configuration that says how to read them."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from raylm.compress.result import Compressed
from raylm.model.hf_io import WEIGHTS, to_hf


def write_checkpoint(result: Compressed, parent: Path, folder: Path) -> None:
    """Fill `folder` with the compressed checkpoint.

    Args:
        result: what the passes made.
        parent: the checkpoint folder that was compressed; its tokenizer, chat template and generation defaults are copied.
        folder: created; files of the same names are overwritten.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for file in sorted(parent.iterdir()):
        if file.is_file() and not file.name.startswith(WEIGHTS.removesuffix(".safetensors")):
            shutil.copyfile(file, folder / file.name)
    config: dict[str, Any] = json.loads((parent / "config.json").read_text(encoding="utf-8"))
    config |= to_hf(result.decoder.config, torch.bfloat16, scorer=False, special={})  # a pass may have changed the shape
    if result.quantization is not None:
        config["quantization_config"] = result.quantization
    save_file(result.tensors(), folder / WEIGHTS, metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def sizes(folder: Path) -> dict[str, int]:
    """Return the bytes of a checkpoint's tensors: `weights` in all, `blocks` those of the transformer blocks."""
    from safetensors import safe_open

    total = blocks = 0
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 - not a mapping
                tensor = tensors.get_tensor(name)
                size = tensor.numel() * tensor.element_size()
                total += size
                blocks += size if ".layers." in name else 0
    return {"weights": total, "blocks": blocks}
