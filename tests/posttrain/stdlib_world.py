"""A small published world for the post-training stages: a corpus of modules (real ones, or toys that a tiny network can learn
from), a tokenizer learned from them, and a decoder that was never trained."""

import hashlib
import sysconfig
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from raylm.model.config import ModelConfig
from raylm.model.decoder import Decoder
from raylm.model.hf_io import save_checkpoint
from raylm.storage import Artifact, Folder
from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.huggingface import huggingface_files
from raylm.tokenizer.learn import learn
from raylm.tokenizer.text import Tokenizer

HELDOUT = 0.25


def stdlib(count: int) -> list[tuple[str, str]]:
    """The paths and texts of the first modules of the standard library that are worth reading."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    paths = [path for path in sorted(folder.glob("*.py")) if 4_000 < path.stat().st_size < 120_000][:count]
    return [(path.name, path.read_text(encoding="utf-8")) for path in paths]


def toy_modules() -> list[tuple[str, str]]:
    """Modules whose functions' names say what their summaries say, from few words, so that a tiny network can learn to match."""
    verbs = {"get": "Return", "clear": "Remove", "show": "Print", "load": "Read", "store": "Write", "check": "Verify"}
    nouns = ["name", "table", "color", "file", "user", "price", "window", "letter", "number", "image"]
    places = ["server", "client", "book", "house", "garden", "city", "ship", "school"]
    names = [(verb, noun, place) for verb in verbs for noun in nouns for place in places]
    functions = [f'def {verb}_{noun}_{place}(self):\n    """{verbs[verb]} the {noun} of the {place}."""\n    return {noun}\n'
                 for verb, noun, place in names]
    return [(f"toy{number}.py", "\n\n".join(functions[number::60])) for number in range(60)]


def identifier(path: str) -> str:
    return f"{hashlib.sha256(path.encode()).hexdigest()[:16]}-{hashlib.sha256(b'record' + path.encode()).hexdigest()[:16]}"


def write_documents(folder: Path, documents: list[tuple[str, str]], files: int) -> Folder:
    """Write (path, text) documents as a corpus artifact does, in `files` files."""
    rows = sorted(({"id": identifier(path), "source": "code", "path": path, "text": text, "bytes": len(text.encode())}
                   for path, text in documents), key=lambda row: row["id"])
    folder.mkdir(parents=True)
    size = -(-len(rows) // files)
    for number in range(files):
        part = rows[number * size:(number + 1) * size]
        if part:
            pq.write_table(pa.Table.from_pylist(part), folder / f"part-{number:05d}.parquet")
    return Folder.at(folder)


def write_tokenizer(folder: Path, texts: list[str], vocabulary: int = 768) -> Tokenizer:
    folder.mkdir(parents=True)
    model = learn(texts, TokenizeConfig(vocabulary=vocabulary))
    (folder / "tokenizer.model").write_bytes(model)
    for name, data in huggingface_files(model).items():
        (folder / name).write_bytes(data)
    return Tokenizer(model)


def make_world(root: Path, documents: list[tuple[str, str]]) -> dict[str, Artifact]:
    """Return the artifacts `corpus`, `tokenize` and `pretrain` of some documents by stage name."""
    write_documents(root / "corpus" / "documents", documents, 3)
    tokenizer = write_tokenizer(root / "tokenize" / "tokenizer", [text[:20_000] for _, text in documents])
    Folder.at(root / "tokenize").write_json("index.json", {"pad": tokenizer.pad, "heldout_fraction": HELDOUT})
    config = ModelConfig(vocabulary=tokenizer.vocabulary, hidden=64, layers=2, heads=4, kv_heads=2, feed_forward=128,
                         context=192)
    torch.manual_seed(0)
    save_checkpoint(Decoder(config).state_dict(), config, root / "pretrain" / "checkpoint", root / "tokenize" / "tokenizer")
    return {stage: Artifact(stage, "0", Folder.at(root / stage)) for stage in ("corpus", "tokenize", "pretrain")}
