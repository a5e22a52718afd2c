"""Checkpoints in Hugging Face's form: `config.json`, `model.safetensors`, the tokenizer's files beside them.

transformers and vLLM load such a folder unmodified, as `LlamaForCausalLM` or (a scorer) `LlamaForSequenceClassification`.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from raylm.errors import UserError
from raylm.model.config import ModelConfig
from raylm.model.decoder import Decoder
from raylm.model.value import Scorer

WEIGHTS = "model.safetensors"


def to_hf(config: ModelConfig, dtype: torch.dtype, *, scorer: bool, special: dict[str, int | None]) -> dict[str, Any]:
    """Return the content of `config.json` for a network of this shape."""
    data: dict[str, Any] = {
        "architectures": ["LlamaForSequenceClassification" if scorer else "LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": config.vocabulary,
        "hidden_size": config.hidden,
        "intermediate_size": config.feed_forward,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_width,
        "max_position_embeddings": config.context,
        "rope_theta": config.rope_theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": config.rope_theta},
        "rms_norm_eps": config.norm_eps,
        "tie_word_embeddings": config.tied and not scorer,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "dtype": str(dtype).removeprefix("torch."),
        **{f"{name}_token_id": value for name, value in special.items()},
    }
    if scorer:
        data |= {"id2label": {"0": "reward"}, "label2id": {"reward": 0}, "num_labels": 1}
    return data


def load_config(folder: Path) -> ModelConfig:
    """Read the shape of a Llama checkpoint.

    Raises:
        UserError: the folder has no readable `config.json`, or it is of another model type.
    """
    try:
        data = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{folder}: not a checkpoint: config.json cannot be read ({error})") from None
    if data.get("model_type") != "llama":
        raise UserError(f"{folder}: model_type {data.get('model_type')!r} cannot be loaded here; allowed: llama")
    theta = data.get("rope_theta") or (data.get("rope_parameters") or {}).get("rope_theta", 10_000.0)
    heads = data["num_attention_heads"]
    return ModelConfig(
        vocabulary=data["vocab_size"], hidden=data["hidden_size"], layers=data["num_hidden_layers"], heads=heads,
        kv_heads=data.get("num_key_value_heads", heads), feed_forward=data["intermediate_size"],
        context=data["max_position_embeddings"], rope_theta=theta, norm_eps=data["rms_norm_eps"],
        tied=bool(data.get("tie_word_embeddings", False)))


def save_checkpoint(state: dict[str, Tensor], config: ModelConfig, folder: Path, tokenizer: Path, *,
                    scorer: bool = False, dtype: torch.dtype = torch.bfloat16) -> None:
    """Write a checkpoint folder: weights cast to `dtype`, configuration, generation defaults, and the tokenizer's files.

    Args:
        state: full (unsharded) parameters by Hugging Face name; a tied `lm_head.weight` is left out.
        config: the network's shape.
        folder: created; what it holds is overwritten.
        tokenizer: a folder of Hugging Face tokenizer files.
        scorer: whether this is a `Scorer`'s state.
        dtype: the weights' type on disk.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for file in sorted(tokenizer.iterdir()):
        if file.is_file():
            shutil.copyfile(file, folder / file.name)
    special = special_ids(tokenizer)
    (folder / "config.json").write_text(json.dumps(to_hf(config, dtype, scorer=scorer, special={
        "bos": special.get("<s>"), "eos": special.get("</s>"), "pad": special.get("<pad>")}), indent=2) + "\n")
    if not scorer:
        ends = [special[name] for name in ("</s>", "<|end|>") if name in special]
        (folder / "generation_config.json").write_text(json.dumps({
            "bos_token_id": special.get("<s>"), "eos_token_id": ends, "pad_token_id": special.get("<pad>")}, indent=2) + "\n")
    tensors = {name: tensor.detach().to("cpu", dtype).contiguous().clone() for name, tensor in state.items()
               if not (name == "lm_head.weight" and config.tied)}
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def special_ids(tokenizer: Path) -> dict[str, int]:
    """Return the ids of the tokens that `tokenizer.json` marks as special, by their text."""
    file = tokenizer / "tokenizer.json"
    if not file.exists():
        return {}
    tokens = json.loads(file.read_text(encoding="utf-8")).get("added_tokens", [])
    return {token["content"]: token["id"] for token in tokens if token.get("special")}


def load_state(folder: Path) -> dict[str, Tensor]:
    """Read a checkpoint's tensors, from one safetensors file or the shards that an index names.

    Raises:
        UserError: no weights, or unreadable ones.
    """
    index = folder / (WEIGHTS + ".index.json")
    names = sorted(set(json.loads(index.read_text())["weight_map"].values())) if index.exists() else [WEIGHTS]
    state: dict[str, Tensor] = {}
    for name in names:
        try:
            state |= load_file(folder / name)
        except Exception as error:  # safetensors raises its own type, and OSError
            raise UserError(f"{folder / name}: weights cannot be read ({error})") from None
    return state


def load_decoder(folder: Path, dtype: torch.dtype = torch.float32) -> Decoder:
    """Build the language model that a checkpoint folder holds, on the CPU, in evaluation mode."""
    decoder = Decoder(load_config(folder))
    fill_decoder(decoder, load_state(folder), folder)
    return decoder.to(dtype).eval()


def fill_decoder(decoder: Decoder, state: dict[str, Tensor], origin: Path) -> None:
    """Copy a state into a decoder.

    Raises:
        UserError: parameters are missing, unknown, or of another shape (a quantised checkpoint, for one).
    """
    if decoder.config.tied:
        state = {**state, "lm_head.weight": state.get("model.embed_tokens.weight", torch.empty(0))}
    _fill(decoder, state, origin)


def load_scorer(folder: Path, dtype: torch.dtype = torch.float32) -> Scorer:
    """Build the reward model or critic that a checkpoint folder holds, on the CPU, in evaluation mode."""
    scorer = Scorer(load_config(folder))
    _fill(scorer, load_state(folder), folder)
    return scorer.to(dtype).eval()


def _fill(module: torch.nn.Module, state: dict[str, Tensor], origin: Path) -> None:
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        first = str(error).strip().splitlines()
        raise UserError(f"{origin}: weights do not fit the configuration: {' '.join(first[1:3]).strip()[:300]}") from None
