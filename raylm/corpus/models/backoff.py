"""Scoring with a back-off n-gram model: for every word of many texts at once, the longest known n-gram that ends in it.

The arrays hold base-10 logarithms in single precision, as an ARPA file read by kenlm does, so both give the same perplexities.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raylm.corpus.models.kneser_ney import BEGIN, END, UNKNOWN, Ints, Level
from raylm.corpus.models.words import words_and_lines

SPECIAL = ("<unk>", "<s>", "</s>")
_NEVER = -99.0
"""The logarithm of `<s>`, which is never predicted: ARPA's convention."""


@dataclass(frozen=True)
class Backoff:
    """A model: its words and, for each order, keys as `kneser_ney.Level` has them, log10 probabilities and log10 back-offs."""

    words: list[str]
    keys: list[Ints]
    logs: list[NDArray[np.float32]]
    backoffs: list[NDArray[np.float32]]

    @property
    def order(self) -> int:
        """The longest n-gram."""
        return len(self.keys)

    def log10(self, tokens: Ints) -> NDArray[np.float64]:
        """Return the log10 probability of each token (tokens,) given those before it in its line; 0 for `<s>`.

        Args:
            tokens: (tokens,) lines, each `BEGIN ... END`.
        """
        vocabulary = len(self.words)
        result = self.logs[0][tokens].astype(np.float64)
        inside = tokens != BEGIN
        context = np.concatenate(([-1], tokens[:-1]))  # the n-gram that ends before each token, -1 where there is none
        context[~inside] = -1
        for n in range(1, self.order):
            places = np.flatnonzero(context >= 0)
            found = _find(self.keys[n], context[places] * vocabulary + tokens[places])
            hit = found >= 0
            result[places[~hit]] += self.backoffs[n - 1][context[places[~hit]]]
            result[places[hit]] = self.logs[n][found[hit]]
            here = np.full(len(tokens), -1, np.int64)
            here[places] = found
            context = np.concatenate(([-1], here[:-1]))
            context[~inside] = -1
        result[~inside] = 0.0
        return result


def _find(keys: Ints, wanted: Ints) -> Ints:
    """Return the place of each wanted key, -1 where it is not there."""
    if not len(keys):
        return np.full(len(wanted), -1, np.int64)
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[places] == wanted, places, -1)


def backoff_model(words: Sequence[str], levels: Sequence[Level]) -> Backoff:
    """Return an estimated model in the form that scores; `words` without the three special ones."""
    with np.errstate(divide="ignore"):
        logs = [np.maximum(np.log10(level.probability), _NEVER).astype(np.float32) for level in levels]
        backoffs = [np.maximum(np.log10(level.backoff), _NEVER).astype(np.float32) for level in levels]
    return Backoff([*SPECIAL, *words], [level.keys for level in levels], logs, backoffs)


@dataclass(frozen=True)
class Lines:
    """Texts as numbers: (tokens,) lines `BEGIN ... END` one after the other, and the text that each token is of."""

    tokens: Ints
    owner: Ints


def lines_of(texts: Sequence[str], numbers: dict[str, int]) -> Lines:
    """Return the words of texts by number: a line of a text is a sentence to the model, an empty line is none.

    Args:
        texts: any.
        numbers: of the words; a line feed must be there, as `END`.
    """
    get = numbers.get
    rows = [[get(word, UNKNOWN) for word in words_and_lines(text)] for text in texts]
    for row in rows:
        row.append(END)
    tokens = np.fromiter((token for row in rows for token in row), np.int64, sum(map(len, rows)))
    owner = np.repeat(np.arange(len(texts)), [len(row) for row in rows])
    first = np.ones(len(tokens), dtype=bool)
    first[1:] = tokens[:-1] == END
    kept = ~(first & (tokens == END))
    tokens, owner, first = tokens[kept], owner[kept], first[kept]
    starts = np.flatnonzero(first)
    return Lines(np.insert(tokens, starts, BEGIN), np.insert(owner, starts, owner[starts]))


def perplexities(model: Backoff, numbers: dict[str, int], texts: Sequence[str]) -> NDArray[np.float64]:
    """Return the perplexity of each word, line ends included, of each text (texts,); NaN for one without words."""
    lines = lines_of(texts, numbers)
    logs = np.bincount(lines.owner, model.log10(lines.tokens), minlength=len(texts))
    counts = np.bincount(lines.owner, lines.tokens != BEGIN, minlength=len(texts))
    return np.where(counts > 0, 10.0 ** np.minimum(-logs / np.maximum(counts, 1), 300), np.nan)


def word_numbers(words: Sequence[str]) -> dict[str, int]:
    """Return the numbers that `lines_of` takes, of all words of a model, the special ones first."""
    return {word: number for number, word in enumerate(words) if number >= len(SPECIAL)} | {"\n": END}
