"""Encoding speed per core, and fertility: raylm against Hugging Face `tokenizers`, BPE with equally large vocabularies.

    .venv/bin/python -m benchmarks.tokenizer_speed                    # the standard library's source; some five minutes
    .venv/bin/python -m benchmarks.tokenizer_speed --text FILE ...    # any UTF-8 texts, plain or .gz

Every contender learns its vocabulary from the same passages (once; kept for the rounds) and encodes the same documents on one
thread, in batches as the tokenize stage does, to one array of ids for each. The rate is UTF-8 bytes per second of processor time.

- `raylm`: our tokenizer as the stage runs it: SentencePiece's merges, looked up by stretches of text. Starts with an empty table.
- `raylm_known`: the same once its table has seen the text, which is what a worker approaches over hundreds of megabytes.
- `sentencepiece`: the same model and ids through SentencePiece's own batch call.
- `hf_same_ids`: the same model and ids through the `tokenizer.json` that we write.
- `hf_byte_level`: Hugging Face's usual BPE over bytes (GPT-2's way), learned by their own trainer. Its ids are its own: the
  fertility in the results, tokens per word and per byte, says what it makes of the text.
"""

import argparse
import gzip
import os
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import numpy as np

from benchmarks.harness import main
from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.huggingface import huggingface_files
from raylm.tokenizer.learn import learn
from raylm.tokenizer.sampling import passages, select
from raylm.tokenizer.text import Tokenizer

BATCH = 256
"""Documents at a time, as in the stage."""


def texts(options: argparse.Namespace) -> list[str]:
    """Return the documents: at most `--megabytes` of them."""
    files = options.text or sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))
    found: list[str] = []
    size = 0
    for file in files:
        data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        document = data.decode(errors="replace")
        # A file of many lines is many documents: what a corpus has.
        found += passages(document) if options.text else [document]
        size += len(data)
        if size > options.megabytes * 1e6:
            break
    return found


def sample(documents: list[str]) -> list[str]:
    """Return about 3 MB to learn from, drawn evenly."""
    rate = min(1.0, 3e6 / max(1, sum(map(len, documents))))
    return [passage for number, text in enumerate(documents) for _, passage in select(str(number), text, rate, seed=0)]


def kept(options: argparse.Namespace, name: str, make: Callable[[], bytes]) -> bytes:
    """Return what `make` returns, learned once for all rounds of this command."""
    file = options.models / f"{name}-{options.vocabulary}-{options.megabytes}-{os.getppid()}"
    if not file.exists():
        options.models.mkdir(parents=True, exist_ok=True)
        file.write_bytes(make())
    return file.read_bytes()


def timed(documents: list[str], encode: Callable[[list[str]], list[np.ndarray]]) -> dict[str, float]:
    """Encode all documents and return MB/s (`rate`), and tokens per word and per byte."""
    from raylm.corpus.text import TextView

    started, tokens = time.process_time(), 0
    for first in range(0, len(documents), BATCH):
        tokens += sum(map(len, encode(documents[first:first + BATCH])))
    seconds = time.process_time() - started
    size = sum(len(text.encode()) for text in documents)
    return {"rate": size / 1e3 / seconds, "tokens_per_byte": tokens / size, "bytes": size,
            "tokens_per_word": tokens / max(1, sum(len(TextView(text).tokens) for text in documents))}


def _model(options: argparse.Namespace, documents: list[str]) -> bytes:
    return kept(options, "ours", lambda: learn(sample(documents), TokenizeConfig(vocabulary=options.vocabulary)))


def raylm(options: argparse.Namespace) -> dict[str, float]:
    """Encode as the stage does."""
    documents = texts(options)
    tokenizer = Tokenizer(_model(options, documents))
    return timed(documents, tokenizer.encode_many)


def raylm_known(options: argparse.Namespace) -> dict[str, float]:
    """Encode twice, and time the second."""
    documents = texts(options)
    tokenizer = Tokenizer(_model(options, documents))
    timed(documents, tokenizer.encode_many)
    return timed(documents, tokenizer.encode_many)


def sentencepiece(options: argparse.Namespace) -> dict[str, float]:
    """The library beneath it, without the look-up."""
    from sentencepiece import SentencePieceProcessor

    documents = texts(options)
    pieces = SentencePieceProcessor(model_proto=_model(options, documents))
    return timed(documents, lambda batch: list(pieces.encode_as_numpy(batch, num_threads=1)))


def hf_same_ids(options: argparse.Namespace) -> dict[str, float]:
    """The `tokenizer.json` that we write."""
    documents = texts(options)
    return _hugging_face(documents, huggingface_files(_model(options, documents))["tokenizer.json"])


def hf_byte_level(options: argparse.Namespace) -> dict[str, float]:
    """Byte-level BPE of Hugging Face's own trainer."""
    import tokenizers

    documents = texts(options)

    def make() -> bytes:
        learned = tokenizers.ByteLevelBPETokenizer()
        learned.train_from_iterator(sample(documents), vocab_size=options.vocabulary, show_progress=False)
        return str(learned.to_str()).encode()
    return _hugging_face(documents, kept(options, "byte_level", make))


def _hugging_face(documents: list[str], content: bytes) -> dict[str, float]:
    import tokenizers

    tokens = tokenizers.Tokenizer.from_buffer(content)

    def encode(batch: list[str]) -> list[np.ndarray]:
        return [np.array(one.ids, np.int32) for one in tokens.encode_batch_fast(batch, add_special_tokens=False)]
    return timed(documents, encode)


def options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's arguments."""
    parser.add_argument("--text", type=Path, nargs="*", help="UTF-8 texts, plain or .gz (the standard library's source)")
    parser.add_argument("--megabytes", type=float, default=20.0, help="of text to encode, at most (20)")
    parser.add_argument("--vocabulary", type=int, default=16_000, help="pieces of each contender (16000)")
    parser.add_argument("--models", type=Path, default=Path(tempfile.gettempdir()) / "raylm-tokenizer-speed",
                        help="where the learned vocabularies are kept for the rounds")


if __name__ == "__main__":
    raise SystemExit(main("tokenizer_speed", "kB/s", {
        "raylm": raylm, "raylm_known": raylm_known, "sentencepiece": sentencepiece, "hf_same_ids": hf_same_ids,
        "hf_byte_level": hf_byte_level},
        peers=("sentencepiece", "hf_same_ids", "hf_byte_level"), options=options))
