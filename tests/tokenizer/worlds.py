"""Text that is hard on tokenizers, and what every tokenizer folder is held to."""

import random
from pathlib import Path

from raylm.tokenizer.backends import is_json
from raylm.tokenizer.huggingface import huggingface_files
from raylm.tokenizer.text import MODEL_FILE, Tokenizer

ALPHABETS = (
    "abc XYZ", "0123456789²½٣", " \t\n\r\u00a0\u3000\u2028", "床前明月光疑是地上霜", "ありがとうアイ", "éüßñ\u0301\u0308", "สวัสดี",
    "🎉👩‍👧🇩🇪", "()[]{}<>#_\"'.,;:|/\\-=+", "\0\x01\x7f\x85\ufeff\ufffd", "\u2581\u2047", "\U0010ffff\ue000", "العربية")


def random_texts(count: int, seed: int = 0) -> list[str]:
    """Mixtures of runs from all alphabets."""
    rng = random.Random(seed)
    return ["".join("".join(rng.choices(rng.choice(ALPHABETS), k=rng.randint(1, 12))) for _ in range(rng.randint(0, 25)))
            for _ in range(count)]


def write_folder(model: bytes, folder: Path) -> Path:
    """Write a tokenizer folder as the artifact holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in (huggingface_files(model) | ({} if is_json(model) else {MODEL_FILE: model})).items():
        (folder / name).write_bytes(data)
    return folder


def differing(folder: Path, tokenizer: Tokenizer, texts: list[str]) -> int:
    """In how many texts transformers' ids are not ours."""
    import transformers

    fast = transformers.AutoTokenizer.from_pretrained(folder)
    assert len(fast) == tokenizer.vocabulary
    theirs = fast(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return sum(ids != tokenizer.encode(text) for ids, text in zip(theirs, texts, strict=True))
