"""What a kind is, and what the kinds that have an alphabet share: how many characters get a piece of their own."""

from collections import Counter
from typing import Protocol

from raylm.tokenizer import special
from raylm.tokenizer.config import TokenizeConfig

LEAST_COVERAGE = 0.98
"""SentencePiece takes no less."""


class Learn(Protocol):
    """A kind: a function from text to a model."""

    def __call__(self, texts: list[str], config: TokenizeConfig) -> bytes:
        """Return the model's bytes (`backends.backend_of` reads them); equal input gives equal bytes.

        Args:
            texts: passages, none empty, at least one.
            config: the recipe's.
        """


def control_tokens(config: TokenizeConfig) -> list[str]:
    """Return all special tokens in the order of their ids, which begin at 0."""
    return [*special.SPECIAL, *config.special]


def reserved(config: TokenizeConfig) -> int:
    """Return how many pieces the vocabulary has whatever the text: the bytes and the special tokens."""
    return len(control_tokens(config)) + (256 if config.byte_fallback else 0)


def characters(texts: list[str]) -> Counter[str]:
    """Count the characters of texts."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    return counts


def coverage(texts: list[str], config: TokenizeConfig) -> float:
    """Return the share of the texts' characters that get pieces of their own: `config.character_coverage`, or less (never below
    `LEAST_COVERAGE`), so that characters take only half of the vocabulary and thousands of Chinese ones leave room for words. A
    vocabulary of characters alone is filled with them.
    """
    counts = characters(texts)
    space = config.vocabulary - reserved(config)
    room = max(1, space if config.kind == "character" else space // 2)
    if len(counts) <= room:
        return config.character_coverage
    # Half a character less, or rounding could ask for one more than there is room for.
    fitting = sum(count for _, count in counts.most_common(room)) - 0.5
    return max(LEAST_COVERAGE, min(config.character_coverage, fitting / counts.total()))
