"""Fine-tuning an encoder that somebody else trained, from a local folder in the form of Hugging Face's transformers.

Only safetensors are read, no code of the folder is run and nothing is fetched. What comes out is a folder of the same form.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from raylm.corpus.models.base import Examples, Scorer
from raylm.corpus.models.fitting import fit, probabilities
from raylm.corpus.models.training import LONGEST
from raylm.errors import UserError

if TYPE_CHECKING:
    from raylm.corpus.models.transformer import TransformerConfig


class _Logit(nn.Module):
    """A sequence classifier with one label, from padded ids alone."""

    def __init__(self, model: Any, pad: int) -> None:
        super().__init__()
        self.model, self._pad = model, pad

    def forward(self, ids: Tensor) -> Tensor:
        logits: Tensor = self.model(input_ids=ids, attention_mask=(ids != self._pad).long()).logits.squeeze(-1)
        return logits


class _Checkpoint(Scorer):
    def __init__(self, config: "TransformerConfig", folder: Path) -> None:
        where = f"corpus.models: {config.name}"
        try:
            from transformers import AutoModelForSequenceClassification, AutoTokenizer
        except ImportError:
            raise UserError(f"{where}: `start` needs the package transformers (pip install transformers)") from None
        safe: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        fresh = {"num_labels": 1, "ignore_mismatched_sizes": True}  # the last layer of another task is drawn anew
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(folder, **safe)
            model = AutoModelForSequenceClassification.from_pretrained(folder, use_safetensors=True, **fresh, **safe)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise UserError(f"{where}: {folder}: no checkpoint of an encoder ({str(error).splitlines()[0]})") from None
        if self.tokenizer.pad_token_id is None:
            raise UserError(f"{where}: {folder}: the tokenizer has no token to fill up with")
        self.pad, self._context = int(self.tokenizer.pad_token_id), config.context
        self.network = _Logit(model.float().eval(), self.pad)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the first pieces of each text, with the tokens that the checkpoint puts around them."""
        if not texts:
            return []
        short = [text[:LONGEST] for text in texts]
        rows: list[list[int]] = self.tokenizer(short, truncation=True, max_length=self._context)["input_ids"]
        return [row if text.strip() else [] for row, text in zip(rows, texts, strict=True)]

    def score(self, texts: Sequence[str], languages: Sequence[str]) -> NDArray[np.float64]:
        """Return P(positive); NaN for an empty text."""
        return probabilities(self.network, self.ids(texts), self.pad)


def fine_tuned(config: "TransformerConfig", trained: Examples) -> tuple[Scorer, dict[str, bytes]]:
    """Fine-tune the checkpoint at `config.start`; return the scorer and the files of its folder.

    Raises:
        UserError: there is no checkpoint, or transformers is not installed.
    """
    scorer = _Checkpoint(config, Path(config.start))
    ids = scorer.ids(trained.texts)
    full = [place for place, row in enumerate(ids) if row]
    fit(scorer.network, [ids[place] for place in full], trained.positive[full], scorer.pad,
        epochs=config.epochs, batch=config.batch, learning_rate=config.learning_rate)
    with tempfile.TemporaryDirectory(prefix="raylm-") as folder:
        scorer.network.model.save_pretrained(folder, safe_serialization=True)
        scorer.tokenizer.save_pretrained(folder)
        return scorer, {file.name: file.read_bytes() for file in sorted(Path(folder).iterdir()) if file.is_file()}


def loaded(config: "TransformerConfig", folder: Path) -> Scorer:
    """Load what `fine_tuned` made."""
    with torch.random.fork_rng(devices=[]):
        return _Checkpoint(config, folder)
