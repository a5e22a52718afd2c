"""Fertility: how many tokens a text of a language takes, per word and per byte; and how much of it has no piece.

Counted where documents are encoded, so it is exact and costs one more split. Words are the corpus's: runs of letters where a script
has spaces between words, single characters where it has none (Chinese, Japanese, Thai). The comparison of languages by tokens per
word is Rust et al. 2021, arXiv:2012.15613; per byte it also holds between scripts.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from raylm.corpus.text import TextView

Key = tuple[str, str]
"""Source and language; the language is empty where the corpus does not know it."""


@dataclass
class Fertility:
    """Sums over documents."""

    documents: int = 0
    words: int = 0
    bytes: int = 0
    """Of UTF-8."""
    tokens: int = 0
    """Without `<s>` and `</s>`."""
    unknown: int = 0
    """Tokens among them that are `<unk>`."""

    def add(self, text: str, size: int, tokens: int, unknown: int) -> None:
        """Count one document of `size` bytes."""
        self.documents += 1
        self.words += len(TextView(text).tokens)
        self.bytes += size
        self.tokens += tokens
        self.unknown += unknown

    def ratios(self) -> dict[str, float]:
        """Return the counts with `tokens_per_word`, `tokens_per_byte` and `unknown_share` (of the tokens)."""
        return asdict(self) | {
            "tokens_per_word": self.tokens / max(self.words, 1), "tokens_per_byte": self.tokens / max(self.bytes, 1),
            "unknown_share": self.unknown / max(self.tokens, 1)}


def rows_of(counted: dict[Key, Fertility]) -> list[dict[str, Any]]:
    """Return the counts as JSON rows, sorted."""
    return [{"source": source, "language": language, **asdict(one)} for (source, language), one in sorted(counted.items())]


def summed(rows: Iterable[dict[str, Any]], by: str) -> dict[str, dict[str, float]]:
    """Return the ratios of rows (as `rows_of` makes them) by `source` or `language`."""
    totals: dict[str, Fertility] = {}
    for row in rows:
        total = totals.setdefault(row[by], Fertility())
        for name in asdict(total):
            setattr(total, name, getattr(total, name) + row[name])
    return {name: total.ratios() for name, total in sorted(totals.items())}
