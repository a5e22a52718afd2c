"""Compression and evaluation end to end, on random checkpoints of a tiny world."""

import json
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from raylm.compress import build as compress_build
from raylm.compress.config import CalibrationConfig, CompressConfig
from raylm.compress.panels import panels as compress_panels
from raylm.evaluate import build as evaluate_build
from raylm.evaluate.config import EvaluateConfig
from raylm.evaluate.panels import panels
from raylm.evaluate.vllm_engine import vllm_installed
from raylm.model.config import ModelConfig
from raylm.model.decoder import Decoder
from raylm.model.hf_io import save_checkpoint
from raylm.progress import Meter
from raylm.stage import StageContext
from raylm.storage import Folder
from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.huggingface import huggingface_files
from raylm.tokenizer.learn import learn
from raylm.tokenizer.text import MODEL_FILE, Tokenizer

CODE = 'def area_{0}(width, height):\n    """Return the area number {0} of a room."""\n    return width * height + {0}\n'
TEXT = [CODE.format(number) * 3 for number in range(40)]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Artifacts of the stages before: tokenizer, shards, pairs, and a random checkpoint for each stage."""
    root = tmp_path_factory.mktemp("world")
    model = learn(TEXT, TokenizeConfig(vocabulary=512))
    tokenizer = Tokenizer(model)
    folder = root / "tokenize" / "tokenizer"
    folder.mkdir(parents=True)
    for name, data in {**huggingface_files(model), MODEL_FILE: model}.items():
        (folder / name).write_bytes(data)
    sizes = {split: _write_shard(root / "tokenize" / "shards" / "code" / split, tokenizer, texts)
             for split, texts in (("train", TEXT[:30]), ("heldout", TEXT[30:]))}
    (root / "tokenize" / "index.json").write_text(json.dumps({"sources": {"code": sizes}}))
    pairs = root / "sft" / "pairs"
    (pairs / "heldout").mkdir(parents=True)
    rows = {"id": ["a", "b"], "key": [1, 2], "name": ["f", "g"], "signature": ["def f(x):", "def g(x):"],
            "docstring": ["Return the area.", "Return the width."], "body": ["", ""]}
    pq.write_table(pa.table(rows), pairs / "heldout" / "part-00000.parquet")
    index = {"kind": "functions", "splits": {"heldout": {"files": {"part-00000.parquet": 2}}}}
    (pairs / "index.json").write_text(json.dumps(index))
    config = ModelConfig(vocabulary=tokenizer.vocabulary, hidden=64, layers=2, heads=2, kv_heads=1, feed_forward=96, context=128)
    for seed, stage in enumerate(("pretrain", "sft", "rlhf")):
        torch.manual_seed(seed)
        decoder = Decoder(config)
        with torch.no_grad():
            for parameter in decoder.parameters():
                parameter.mul_(3 if parameter.dim() == 2 else 1)
        save_checkpoint(decoder.state_dict(), config, root / stage / "checkpoint", folder)
    return root


def _write_shard(folder, tokenizer, texts):
    folder.mkdir(parents=True)
    documents = [[tokenizer.bos, *tokenizer.encode(text), tokenizer.eos] for text in texts]
    np.save(folder / "tokens-00000.npy", np.concatenate(documents).astype(np.uint16))
    np.save(folder / "offsets-00000.npy", np.cumsum([0, *map(len, documents)]).astype(np.int64))
    return {"tokens": sum(map(len, documents)), "documents": len(texts), "bytes": sum(len(t.encode()) for t in texts)}


def _context(world, config, stage):
    inputs = {name: SimpleNamespace(folder=Folder.at(world / name)) for name in ("tokenize", "pretrain", "sft", "rlhf", "compress")}
    return StageContext(config, 0, inputs, Folder.at(world / stage).create(), Meter())


@pytest.mark.slow
def test_every_checkpoint_is_compressed_and_examined(world, ray_cluster):
    config = CompressConfig(calibration=CalibrationConfig(windows=8, length=64))
    compressed = compress_build.build(_context(world, config, "compress"))
    metrics = compressed.metrics
    assert metrics["size_after"]["blocks"] < 0.7 * metrics["size_before"]["blocks"]
    assert compress_panels({"metrics": metrics}, {})
    if vllm_installed():
        assert metrics["checked"]["vllm_difference"] < 0.05
    exam = EvaluateConfig(windows=4, length=64, max_new=12, timed_prompt=16, timed_new=4, batch=2, rounds=1)
    result = evaluate_build.build(_context(world, exam, "evaluate"))
    table = result.metrics["table"]
    assert list(table) == ["pretrain", "sft", "rlhf", "compress"]
    assert all(row["loss"] > 0 and row["bits_per_byte"] > 0 and 0 <= row["parse_rate"] <= 1 for row in table.values())
    assert len({row["bytes"] for row in table.values()}) == 1
    assert abs(table["compress"]["loss"] - table["rlhf"]["loss"]) < 0.05
    assert table["compress"]["weight_bytes"] < table["rlhf"]["weight_bytes"] == table["sft"]["weight_bytes"]
    if vllm_installed():
        assert result.metrics["own_engine_difference"] < 0.02
    assert all(figures["tokens_per_second"] > 0 for figures in result.cost["speed"].values())
    assert panels({"metrics": result.metrics}, result.cost)
    json.dumps([result.metrics, result.cost, metrics])
    print(json.dumps([metrics["checked"], result.metrics, result.cost, compressed.cost]))
