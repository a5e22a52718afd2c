"""The slow, exact classifier: a transformer that is trained from nothing on the examples, or starts from a checkpoint in a folder.

Ask it last in a cascade (`only`), about what the cheap ones were not sure of. It loads safetensors and SentencePiece or tokenizer
files only; code of a checkpoint is never run.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from raylm.corpus.models.base import Examples, Scorer, Trained
from raylm.corpus.models.measuring import measured
from raylm.corpus.models.training import LONGEST, ClassifierConfig, two_classes
from raylm.errors import UserError

if TYPE_CHECKING:
    from raylm.corpus.models.encoder import Encoder

PIECES, WEIGHTS = "pieces.model", "model.safetensors"
_DROPOUT = 0.1


class TransformerConfig(ClassifierConfig):
    """A transformer encoder. It reads the first `context` pieces of a document; with `grain: sentence`, of each sentence."""

    kind: Literal["transformer"] = "transformer"
    """A transformer encoder."""
    start: str = ""
    """A folder with a checkpoint of an encoder to fine-tune (config.json, model.safetensors and its tokenizer, as Hugging Face's
    transformers writes them; that package must be installed). Empty: train an encoder of the sizes below from nothing."""
    pieces: int = Field(default=8_000, ge=300, le=100_000)
    """Vocabulary: at most so many SentencePiece pieces, learned from the examples."""
    hidden: int = Field(default=128, ge=8)
    """Width."""
    layers: int = Field(default=2, ge=1)
    """Layers."""
    heads: int = Field(default=4, ge=1)
    """Attention heads."""
    context: int = Field(default=128, ge=8, le=4096)
    """Most pieces of a text."""
    epochs: int = Field(default=4, ge=1)
    """Passes over the examples."""
    batch: int = Field(default=32, ge=1)
    """Texts of a step."""
    learning_rate: float = Field(default=1e-3, gt=0)
    """The highest learning rate; fine-tuning a checkpoint wants some 3e-5."""

    @model_validator(mode="after")
    def _divisible(self) -> Self:
        if self.hidden % self.heads:
            raise ValueError("hidden a multiple of heads")
        return self

    def files(self) -> tuple[str, ...]:
        """Return the labelled files and the checkpoint."""
        return (*super().files(), *([self.start] if self.start else []))

    def train(self, examples: Examples, seed: int) -> Trained:
        """Train on the CPU with one thread; see `ModelConfig.train`."""
        from raylm.corpus.models.fitting import reproducible

        trained = two_classes(self, examples)
        with reproducible(seed):
            if self.start:
                from raylm.corpus.models.checkpoint import fine_tuned

                scorer, files = fine_tuned(self, trained)
            else:
                scorer, files = _from_nothing(self, trained, seed)
            return Trained(files, measured(scorer, examples))

    def load(self, folder: Path) -> Scorer:
        """Load the weights and the pieces."""
        if self.start:
            from raylm.corpus.models.checkpoint import loaded

            return loaded(self, folder)
        from safetensors.torch import load_file

        pieces = (folder / PIECES).read_bytes()
        encoder = _encoder(self, pieces)
        encoder.load_state_dict(load_file(folder / WEIGHTS))
        return _Own(self, encoder.eval(), pieces)


def _from_nothing(config: TransformerConfig, trained: Examples, seed: int) -> "tuple[Scorer, dict[str, bytes]]":
    from safetensors.torch import save

    from raylm.corpus.models.fitting import fit

    pieces = _learned_pieces(trained.texts, config.pieces)
    scorer = _Own(config, _encoder(config, pieces), pieces)
    ids = scorer.ids(trained.texts)
    full = [place for place, row in enumerate(ids) if row]
    fit(scorer.encoder, [ids[place] for place in full], trained.positive[full], 0,
        epochs=config.epochs, batch=config.batch, learning_rate=config.learning_rate)
    return scorer, {PIECES: pieces, WEIGHTS: save(scorer.encoder.state_dict())}


def _learned_pieces(texts: Sequence[str], size: int) -> bytes:
    """Learn a SentencePiece vocabulary: 0 fills up, 1 is unknown, letters in one case."""
    import sentencepiece

    stream = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=(line for text in texts for line in text.splitlines() if line.strip()), model_writer=stream,
            vocab_size=size, hard_vocab_limit=False, model_type="unigram", normalization_rule_name="nmt_nfkc_cf", pad_id=0,
            unk_id=1, bos_id=-1, eos_id=-1, num_threads=1, max_sentence_length=4 * LONGEST, character_coverage=0.9995,
            minloglevel=2)
    except RuntimeError as error:
        raise UserError(f"corpus.models: no vocabulary of {size} pieces can be learned from {len(texts)} texts ({error})") from None
    return stream.getvalue()


def _encoder(config: TransformerConfig, pieces: bytes) -> "Encoder":
    import sentencepiece

    from raylm.corpus.models.encoder import Encoder, Shape

    vocabulary = sentencepiece.SentencePieceProcessor(model_proto=pieces).vocab_size()
    return Encoder(Shape(vocabulary, config.hidden, config.layers, config.heads, config.context), _DROPOUT)


class _Own(Scorer):
    def __init__(self, config: TransformerConfig, encoder: "Encoder", pieces: bytes) -> None:
        import sentencepiece

        self.encoder = encoder
        self._context = config.context
        self._pieces = sentencepiece.SentencePieceProcessor(model_proto=pieces)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the first pieces of each text."""
        # No piece is empty, and none is longer than 16 characters: what is further back cannot be among the first.
        short = [text[: self._context * 16] for text in texts]
        return [row[: self._context] for row in self._pieces.encode(short, num_threads=1)]

    def score(self, texts: Sequence[str], languages: Sequence[str]) -> NDArray[np.float64]:
        """Return P(positive); NaN for an empty text."""
        from raylm.corpus.models.fitting import probabilities

        return probabilities(self.encoder, self.ids(texts), 0)
