"""Characters: each of the frequent ones is a piece, the rest is spelt in bytes, or unknown without `byte_fallback`."""

from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.kinds.sentence_piece import train


def learn(texts: list[str], config: TokenizeConfig) -> bytes:
    """Return a SentencePiece model whose pieces are single characters."""
    return train(texts, config, "char")
