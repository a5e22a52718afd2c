"""The two forms in which an n-gram model is kept: ARPA, which every toolkit reads, and arrays, which load at once."""

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from raylm.corpus.models.backoff import Backoff
from raylm.corpus.models.kneser_ney import Ints


def arpa(model: Backoff) -> bytes:
    """Return the model as an ARPA file."""
    lines = ["\\data\\", *(f"ngram {n}={len(keys)}" for n, keys in enumerate(model.keys, 1)), ""]
    grams = list(model.words)
    for n, keys in enumerate(model.keys, 1):
        if n > 1:
            head, last = np.divmod(keys, len(model.words))
            grams = [f"{grams[one]} {model.words[other]}" for one, other in zip(head.tolist(), last.tolist(), strict=True)]
        logs, backoffs = model.logs[n - 1].tolist(), model.backoffs[n - 1].tolist()
        lines.append(f"\\{n}-grams:")
        if n == len(model.keys):
            lines += [f"{log:.7g}\t{gram}" for log, gram in zip(logs, grams, strict=True)]
        else:
            lines += [f"{log:.7g}\t{gram}\t{backoff:.7g}" for log, gram, backoff in zip(logs, grams, backoffs, strict=True)]
        lines.append("")
    return "\n".join([*lines, "\\end\\", ""]).encode()


def arrays(model: Backoff) -> bytes:
    """Return the model as a safetensors file."""
    tensors: dict[str, NDArray[np.generic]] = {"words": np.frombuffer("\n".join(model.words).encode(), np.uint8)}
    for n in range(model.order):
        tensors |= {f"keys.{n + 1}": model.keys[n], f"logs.{n + 1}": model.logs[n], f"backoffs.{n + 1}": model.backoffs[n]}
    return save(tensors)


def from_arrays(path: str) -> Backoff:
    """Load what `arrays` returned from a file."""
    with safe_open(path, framework="numpy") as file:
        order = sum(name.startswith("keys.") for name in file.keys())  # noqa: SIM118
        levels = range(1, order + 1)
        keys: list[Ints] = [file.get_tensor(f"keys.{n}") for n in levels]
        return Backoff(bytes(file.get_tensor("words")).decode().split("\n"), keys,
                       [file.get_tensor(f"logs.{n}") for n in levels], [file.get_tensor(f"backoffs.{n}") for n in levels])
