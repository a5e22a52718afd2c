"""Unigram: pieces with probabilities; a text is cut into the most probable sequence (Kudo 2018, arXiv:1804.10959)."""

from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.kinds.sentence_piece import train


def learn(texts: list[str], config: TokenizeConfig) -> bytes:
    """Return a SentencePiece model of pieces with log-probabilities."""
    return train(texts, config, "unigram")
