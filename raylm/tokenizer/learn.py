"""Learning the vocabulary from passages of text, by the kind that the recipe names."""

from collections.abc import Iterable

from raylm.errors import UserError
from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.kinds import KINDS
from raylm.tokenizer.kinds.base import LEAST_COVERAGE, coverage

__all__ = ["LEAST_COVERAGE", "coverage", "learn"]


def learn(sample: Iterable[str], config: TokenizeConfig) -> bytes:
    """Return a model (see `text.Tokenizer`) learned from passages of text; equal input gives equal bytes.

    If the sample cannot yield `config.vocabulary` pieces, the model has as many as it can.

    Raises:
        UserError: the sample is empty, or has more different characters than the vocabulary has room for.
    """
    texts = [text for text in sample if text]
    if not texts:
        raise UserError("tokenize: there is no training text to learn a vocabulary from; every document is held out or empty")
    return KINDS[config.kind](texts, config)
