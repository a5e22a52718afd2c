"""Extending a tokenizer from the corpus: which text it learns from, and what it gained on text that it did not learn from."""

from collections.abc import Iterable
from typing import Any

from raylm.errors import UserError
from raylm.tokenizer.config import TokenizeConfig
from raylm.tokenizer.extend import extend
from raylm.tokenizer.fertility import Fertility
from raylm.tokenizer.sampling import sample_rates
from raylm.tokenizer.text import Tokenizer

MOST_BYTES = 20_000_000
"""Of text to extend from: the learner holds every piece of it (some 20 times its size)."""
OLD_BYTES = 1_000_000
"""Of the other sources' text, to see what became of it."""
APART = 20
"""One passage in so many of the new language is kept from the learner, and measured."""


def extension_rates(sizes: dict[str, int], config: TokenizeConfig) -> dict[str, float]:
    """Return which share of each source's text is sampled: the new language's to learn from, a little of the others' to measure.

    Raises:
        UserError: a named source has no training text.
    """
    if config.extend is None:
        raise ValueError("nothing to extend")
    named = config.extend.sources or sorted(sizes)
    for name in named:
        if name not in sizes:
            raise UserError(f"tokenize.extend.sources: got {name!r}, allowed: the sources with training text, "
                            f"{', '.join(sorted(sizes))}")
    new = {name: sizes[name] for name in named}
    old = {name: size for name, size in sizes.items() if name not in new}
    weights = {name: weight for name, weight in config.weights.items() if name in new} if config.weights else None
    return (sample_rates(old, None, OLD_BYTES) if old else {}) | sample_rates(new, weights, min(config.sample_bytes, MOST_BYTES))


def extended(base: bytes, texts: list[str], sources: list[str], config: TokenizeConfig) -> tuple[bytes, dict[str, Any]]:
    """Return the extended model, and the fertility before and after on the new language and on the old ones.

    Args:
        base: the tokenizer to extend, with all special tokens.
        texts: the sampled passages, in the order of their keys.
        sources: the source of each.
        config: the recipe's.
    """
    if config.extend is None:
        raise ValueError("nothing to extend")
    named = set(config.extend.sources or sources)
    new = [text for text, source in zip(texts, sources, strict=True) if source in named]
    apart = new[::APART] if len(new) >= APART else new
    learned_from = [text for place, text in enumerate(new) if place % APART] if len(new) >= APART else new
    model = extend(base, learned_from, config.extend.pieces, coverage=config.character_coverage, split_digits=config.split_digits)
    before, after = Tokenizer(base), Tokenizer(model)
    old = [text for text, source in zip(texts, sources, strict=True) if source not in named]
    pairs = zip(before.encode_many(old), after.encode_many(old), strict=True)
    same = sum(len(first) == len(second) and bool((first == second).all()) for first, second in pairs)
    return model, {
        "base_vocabulary": before.vocabulary, "added": after.vocabulary - before.vocabulary,
        "new": {"before": measured(before, apart), "after": measured(after, apart)},
        "old": {"before": measured(before, old), "after": measured(after, old), "passages": len(old), "unchanged": same}}


def measured(tokenizer: Tokenizer, texts: Iterable[str]) -> dict[str, float]:
    """Return the fertility of a tokenizer on texts, with its ratios."""
    total, texts = Fertility(), list(texts)
    for text, ids in zip(texts, tokenizer.encode_many(texts), strict=True):
        total.add(text, len(text.encode()), len(ids), tokenizer.unknowns(ids))
    return total.ratios()
