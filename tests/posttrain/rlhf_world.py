"""A world small enough for PPO in seconds: a vocabulary of bytes, a tiny network, checkpoints and pairs on disk."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from raylm.model.config import ModelConfig
from raylm.model.decoder import Decoder
from raylm.model.hf_io import save_checkpoint
from raylm.model.value import Scorer
from raylm.storage import Folder
from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.huggingface import huggingface_files
from raylm.tokenizer.learn import learn
from raylm.tokenizer.text import Tokenizer

SENTENCES = [f"Return the {a} {b} of a {c}." for a in ("first", "last", "next", "whole") for b in ("name", "size", "part")
             for c in ("list", "file", "tree", "word")]


def write_tokenizer(folder: Path) -> Tokenizer:
    model = learn(SENTENCES * 4, TokenizeConfig(vocabulary=320))
    folder.mkdir(parents=True)
    (folder / "tokenizer.model").write_bytes(model)
    for name, data in huggingface_files(model).items():
        (folder / name).write_bytes(data)
    return Tokenizer.open(folder)


def write_pairs(folder: Path) -> None:
    """Function pairs in the layout of `raylm.posttrain.pairs.table`; every fourth is held out."""
    index = {"kind": "functions", "share": 1.0, "splits": {}}
    for split in ("train", "heldout"):
        texts = [text for number, text in enumerate(SENTENCES) if (number % 4 == 0) == (split == "heldout")]
        table = pa.table({
            "id": [f"{number:016x}-{number:016x}" for number in range(len(texts))],
            "key": pa.array(range(len(texts)), pa.uint64()), "name": ["f"] * len(texts), "signature": ["def f(x):"] * len(texts),
            "docstring": texts, "body": ["return x"] * len(texts)})
        (folder / split).mkdir(parents=True)
        pq.write_table(table, folder / split / "part-00000.parquet")
        index["splits"][split] = {"files": {"part-00000.parquet": len(texts)}, "pairs": len(texts), "found": len(texts)}
    (folder / "index.json").write_text(json.dumps(index))


def write_world(root: Path) -> dict[str, Folder]:
    """Write `sft/checkpoint`, `sft/pairs` and `reward/checkpoint`; return their folders by name."""
    tokenizer = write_tokenizer(root / "tokenizer")
    config = ModelConfig(vocabulary=tokenizer.vocabulary, hidden=32, layers=2, heads=2, kv_heads=1, feed_forward=64, context=64)
    torch.manual_seed(0)
    save_checkpoint(Decoder(config).state_dict(), config, root / "sft" / "checkpoint", root / "tokenizer", dtype=torch.float32)
    scorer = Scorer(config)
    torch.nn.init.normal_(scorer.score.weight, std=0.5)
    save_checkpoint(scorer.state_dict(), config, root / "reward" / "checkpoint", root / "tokenizer", scorer=True,
                    dtype=torch.float32)
    write_pairs(root / "sft" / "pairs")
    return {"sft": Folder.at(root / "sft" / "checkpoint"), "reward": Folder.at(root / "reward" / "checkpoint"),
            "pairs": Folder.at(root / "sft" / "pairs")}
