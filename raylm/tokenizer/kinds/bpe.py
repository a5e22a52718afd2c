"""Byte-pair encoding: the most frequent pair of neighbours becomes a piece, again and again (Sennrich, Haddow and Birch 2016,
arXiv:1508.07909). The default: what most language models of today use.
"""

from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.kinds.sentence_piece import train


def learn(texts: list[str], config: TokenizeConfig) -> bytes:
    """Return a SentencePiece model of merges."""
    return train(texts, config, "bpe")
