"""What the tokenize stage can be told."""

from typing import Literal

from pydantic import Field

from raylm.recipe.section import Section, resource


class TokenizeConfig(Section):
    """How the vocabulary is learned, and which documents are held out."""

    vocabulary: int = Field(32_000, ge=320, le=1_000_000)
    """Most pieces in the vocabulary, the 256 bytes and 7 special tokens included. A small sample may give fewer."""
    model_type: Literal["bpe", "unigram"] = "bpe"
    """SentencePiece's algorithm. With `unigram` about one document in a hundred contains a tie between two equally likely
    splits that SentencePiece and Hugging Face's library break differently (other ids, same text); with `bpe` they agree."""
    sample_bytes: int = Field(100_000_000, ge=10_000, le=2_000_000_000)
    """Bytes of training text that the vocabulary is learned from, drawn evenly from all of it. Bounds the learner's memory
    (about 20 times this) and time (about a second per 2 MB)."""
    character_coverage: float = Field(0.9995, ge=0.98, le=1.0)
    """Share of the sample's characters that get a piece of their own; the rare rest is spelt in bytes. Where thousands
    of Chinese characters would take more than half of the vocabulary, the share is lowered, to 0.98 at least."""
    split_digits: bool = True
    """Whether every digit is its own piece, so that a number is read the same wherever it stands."""
    split_scripts: bool = True
    """Whether a piece stays within one script (letters, punctuation, Chinese). Off, pieces such as `(self` save a few percent
    of the tokens of code."""
    heldout_fraction: float = Field(0.02, gt=0, le=0.5)
    """Share of the origins (files, or rows of JSONL and Parquet) whose documents no stage trains on, chosen by a hash of their
    id. In a corpus so small that this holds out none, one is held out."""
    workers: int | None = resource(None, ge=1)
    """Most tasks that tokenize at the same time, each on one core; as many as the cluster has cores if not given."""
