"""A checkpoint made in a second: our own decoder with random weights and a tokenizer learned from this file."""

from pathlib import Path

import torch

from raylm.model.config import ModelConfig
from raylm.model.decoder import Decoder
from raylm.model.hf_io import save_checkpoint
from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.huggingface import huggingface_files
from raylm.tokenizer.learn import learn
from raylm.tokenizer.text import MODEL_FILE, Tokenizer


def make_checkpoint(folder: Path) -> Path:
    """Write `folder/tokenizer` and `folder/checkpoint`; return the latter."""
    model = learn(Path(__file__).read_text().splitlines(), TokenizeConfig(vocabulary=400))
    tokenizer = folder / "tokenizer"
    tokenizer.mkdir(parents=True)
    (tokenizer / MODEL_FILE).write_bytes(model)
    for name, content in huggingface_files(model).items():
        (tokenizer / name).write_bytes(content)
    torch.manual_seed(0)
    config = ModelConfig(
        vocabulary=Tokenizer(model).vocabulary, hidden=64, layers=2, heads=2, kv_heads=1, feed_forward=128, context=256)
    save_checkpoint(Decoder(config).state_dict(), config, folder / "checkpoint", tokenizer)
    return folder / "checkpoint"
