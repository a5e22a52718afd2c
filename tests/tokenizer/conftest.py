"""Real text of this Python's standard library, and a tokenizer learned from it."""

import gzip
import json
import sysconfig
from pathlib import Path

import pytest

from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.huggingface import huggingface_files
from raylm.tokenizer.learn import learn
from raylm.tokenizer.sampling import passages
from raylm.tokenizer.text import MODEL_FILE, Tokenizer


@pytest.fixture(scope="session")
def library() -> list[str]:
    """Every readable module of the standard library, in order of path."""
    root = Path(sysconfig.get_path("stdlib"))
    texts = []
    for file in sorted(root.rglob("*.py")):
        if "site-packages" not in file.parts:
            try:
                texts.append(file.read_bytes().decode())
            except UnicodeDecodeError:
                continue
    return texts


@pytest.fixture(scope="session")
def sample(library: list[str]) -> list[str]:
    return [passage for text in library[::20] for passage in passages(text)][:500]


@pytest.fixture(scope="session")
def model(sample: list[str]) -> bytes:
    return learn(sample, TokenizeConfig(vocabulary=2048))


@pytest.fixture(scope="session")
def tokenizer(model: bytes) -> Tokenizer:
    return Tokenizer(model)


@pytest.fixture(scope="session")
def folder(model: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer folder as the artifact holds it."""
    folder = tmp_path_factory.mktemp("tokenizer")
    for name, data in {**huggingface_files(model), MODEL_FILE: model}.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture(scope="session")
def poems(shared_data: Path) -> list[str]:
    """Tang poems, in traditional Chinese."""
    with gzip.open(shared_data / "poetry_zh/tang.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


@pytest.fixture(scope="session")
def shakespeare(shared_data: Path) -> list[str]:
    """Passages of English."""
    return list(passages((shared_data / "books/shakespeare.txt").read_text(encoding="utf-8")))
