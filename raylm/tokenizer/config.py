"""What the tokenize stage can be told."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from raylm.recipe.section import Section, resource
from raylm.tokenizer.special import SPECIAL

KindName = Literal["bpe", "unigram", "wordpiece", "character", "byte"]


class ExtendConfig(Section):
    """New pieces for a tokenizer that exists: what its text is in keeps its ids, a new language gets pieces of its own."""

    base: str
    """The tokenizer: a folder, a `tokenizer.json` or a SentencePiece `.model`; a local path, or a URI such as s3://bucket/path."""
    pieces: int = Field(8_000, ge=1, le=1_000_000)
    """Most pieces to add."""
    sources: list[str] = Field(default_factory=list)
    """The corpus sources that are in the new language; all of them if none is named."""


class TokenizeConfig(Section):
    """How the vocabulary is learned, and which documents are held out."""

    kind: KindName = "bpe"
    """How text is cut. `bpe`: merges of frequent neighbours; `unigram`: the most probable of all splits; `wordpiece`: the longest
    piece that fits, from left to right; `character`; `byte` (256 pieces, nothing to learn). With `unigram` about one document in a
    hundred contains a tie between two equally likely splits that SentencePiece and Hugging Face's library break differently (other
    ids, same text); with the others they agree."""
    existing: str | None = None
    """A tokenizer to use as it is, instead of learning one: a folder, a `tokenizer.json` or a SentencePiece `.model`. Special
    tokens that the chain needs and it lacks are added behind its vocabulary."""
    extend: ExtendConfig | None = None
    """A tokenizer to add pieces to, instead of learning one."""
    vocabulary: int = Field(32_000, ge=320, le=1_000_000)
    """Most pieces in the vocabulary, the 256 bytes and 7 special tokens included. A small sample may give fewer."""
    special: list[str] = Field(default_factory=list)
    """Special tokens besides the chain's own seven, such as `<|tool|>`; no text is ever cut into them."""
    sample_bytes: int = Field(100_000_000, ge=10_000, le=2_000_000_000)
    """Bytes of training text that the vocabulary is learned from. Bounds the learner's memory (about 20 times this) and time
    (about a second per 2 MB)."""
    weights: dict[str, float] | None = None
    """Share of each source in that sample, in any unit; a source that is not named has none. Without weights, text is drawn evenly
    from all of it. A source with less text than its share gives all it has, and the others fill up."""
    character_coverage: float = Field(0.9995, ge=0.98, le=1.0)
    """Share of the sample's characters that get a piece of their own; the rare rest is spelt in bytes. Where thousands
    of Chinese characters would take more than half of the vocabulary, the share is lowered, to 0.98 at least."""
    byte_fallback: bool = True
    """Whether what has no piece is spelt in bytes, so that any text comes back as it was. Off, it becomes `<unk>` and is lost."""
    split_digits: bool = True
    """Whether every digit is its own piece, so that a number is read the same wherever it stands."""
    split_scripts: bool = True
    """Whether a piece stays within one script (letters, punctuation, Chinese). Off, pieces such as `(self` save a few percent
    of the tokens of code. Not for `wordpiece`, whose words are runs of letters or of signs in any case."""
    heldout_fraction: float = Field(0.02, gt=0, le=0.5)
    """Share of the origins (files, or rows of JSONL and Parquet) whose documents no stage trains on, chosen by a hash of their
    id. In a corpus so small that this holds out none, one is held out."""
    workers: int | None = resource(None, ge=1)
    """Most tasks that tokenize at the same time, each on one core; as many as the cluster has cores if not given."""

    def contents_for(self, stage: str) -> list[str]:
        """Return the place of the tokenizer that is used or extended, if there is one."""
        place = self.extend.base if self.extend is not None else self.existing
        return [] if place is None else [place]

    @field_validator("special")
    @classmethod
    def _new_and_readable(cls, tokens: list[str]) -> list[str]:
        for token in tokens:
            if token in SPECIAL or tokens.count(token) > 1 or len(token) < 2 or any(c.isspace() or c == "\u2581" for c in token):
                raise ValueError(f"got {token!r}, allowed: two or more characters without spaces, each token once, and not the "
                                 f"chain's own, {' '.join(SPECIAL)}")
        return tokens

    @field_validator("weights")
    @classmethod
    def _positive(cls, weights: dict[str, float] | None) -> dict[str, float] | None:
        if weights is not None and (not sum(weights.values()) > 0 or min(weights.values()) < 0):
            raise ValueError(f"got {weights}, allowed: numbers from 0 up, at least one above 0")
        return weights

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.existing is not None and self.extend is not None:
            raise ValueError("existing: got a tokenizer to use and one to extend, allowed: one of `existing` and `extend`")
        if self.kind == "byte" and not self.byte_fallback:
            raise ValueError("byte_fallback: got false, allowed: true with kind byte, which has nothing but bytes")
        return self
