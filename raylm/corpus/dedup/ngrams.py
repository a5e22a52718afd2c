"""Finding which documents contain an n-gram of words of some texts: pure functions, the search of decontamination.

Words are runs of letters and digits in any case; each character of a script without spaces is one. N-grams are compared by a
64-bit hash, and what it finds by a second one, so that a false match has a chance of about 2^-60 times that of the first.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from rensa import RMinHash

from raylm.corpus.dedup.rolling import sequence_hashes
from raylm.corpus.segmenters import UNSPACED

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

_LETTERS = re.compile(rf"[^\W_{UNSPACED}]+")
WORD = re.compile(rf"[{UNSPACED}]|{_LETTERS.pattern}")
_UNSPACED = re.compile(f"[{UNSPACED}]")
_PIECE = 1_000_000
_BATCH = 1 << 16
_BITS = (16, 27)


def words(text: str) -> list[str]:
    """Return a text's words in folded case."""
    # Folded after the split, in one go: folding can change how long a text is, and where its words are must stay known.
    return "\n".join(WORD.findall(text)).casefold().split("\n") if text else []


def word_hashes(tokens: list[str]) -> U64:
    """Return a 64-bit hash of each word."""
    return np.array(RMinHash.hash_token_sets([tokens])[0], dtype=np.uint64) if tokens else np.empty(0, dtype=np.uint64)


@dataclass(frozen=True)
class Searched:
    """N-grams to look for, sorted by length, then hash; each once, as the first item's that has it."""

    length: I32
    hashes: U64
    checks: U64
    item: I64
    _filters: dict[int, tuple[int, int, npt.NDArray[np.bool_]]] = field(default_factory=dict, repr=False, compare=False)

    def lengths(self) -> list[int]:
        """Return the lengths that n-grams have."""
        return [int(one) for one in np.unique(self.length)]

    def among(self, hashes: U64, length: int) -> tuple[I64, I64]:
        """Return where hashes are those of n-grams of a length, and which n-grams; a small table sorts out most that are not."""
        if length not in self._filters:
            low, high = np.searchsorted(self.length, [length, length + 1])
            bits = int(np.clip(int(high - low).bit_length() + 3, *_BITS))
            table = np.zeros(1 << bits, dtype=bool)
            table[self.hashes[low:high] & np.uint64((1 << bits) - 1)] = True
            self._filters[length] = int(low), int(high), table
        low, high, table = self._filters[length]
        at = np.flatnonzero(table[hashes & np.uint64(len(table) - 1)])
        own = self.hashes[low:high]
        found = np.minimum(np.searchsorted(own, hashes[at]), len(own) - 1)
        same = own[found] == hashes[at]
        return at[same], (found[same] + low).astype(np.int64)


def gram_length(tokens: list[str], n: int, least: int, unspaced: float) -> int:
    """Return how many words in a row are looked for of a text: n, all of a shorter one, 0 if it is too short to be searched.

    Args:
        tokens: its words.
        n: words in an n-gram.
        least: words that a text must have.
        unspaced: characters that make a word in scripts without spaces; where most words are such characters, both count so many.
    """
    if sum(1 for token in tokens if len(token) == 1 and _UNSPACED.match(token)) * 2 > len(tokens):
        n, least = round(n * unspaced), round(least * unspaced)
    return 0 if len(tokens) < least else min(n, len(tokens))


def searched(
    texts: Iterable[tuple[int, int, str]], n: int, least: int, unspaced: float, most_items: int, limit: int,
) -> tuple[Searched, I64]:
    """Return the n-grams of evaluation items, and the items that none was made of.

    Args:
        texts: (set, item, text); an item may have several texts, items of one set follow each other.
        n: words in an n-gram.
        least: words that a text must have to be searched.
        unspaced: as for `gram_length`.
        most_items: n-grams that more items of one set have in common are its template, not its content, and are left out.
        limit: n-grams, above which this raises.

    Raises:
        OverflowError: more than `limit` n-grams.
    """
    parts: list[tuple[I32, U64, U64, I64, I64]] = []
    total, seen, used = 0, set(), set()
    for group, item, text in texts:
        tokens = words(text)
        seen.add(item)
        size = gram_length(tokens, n, least, unspaced)
        if size:
            used.add(item)
            hashed = word_hashes(tokens)
            found, checks = sequence_hashes(hashed, size, 1), sequence_hashes(hashed, size, 2)
            sizes = np.full(len(found), size, dtype=np.int32)
            parts.append((sizes, found, checks, np.full(len(found), item), np.full(len(found), group)))
            total += len(found)
            if total > limit:
                raise OverflowError(f"more than {limit:,} n-grams")
    short = np.array(sorted(seen - used), dtype=np.int64)
    if not parts:
        none = np.empty(0, dtype=np.uint64)
        return Searched(np.empty(0, dtype=np.int32), none, none, np.empty(0, dtype=np.int64)), short
    length, hashes, checks, items, groups = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((items, groups, hashes, length))
    length, hashes, checks, items, groups = (column[order] for column in (length, hashes, checks, items, groups))
    same = np.append(False, (hashes[1:] == hashes[:-1]) & (length[1:] == length[:-1]))
    run = np.cumsum(~same | np.append(True, groups[1:] != groups[:-1])) - 1  # one n-gram in one set
    another = np.append(True, (items[1:] != items[:-1]) | (run[1:] != run[:-1]))
    kept = np.bincount(run, weights=another)[run] <= most_items
    length, hashes, checks, items = (column[kept] for column in (length, hashes, checks, items))
    first = np.append(True, (hashes[1:] != hashes[:-1]) | (length[1:] != length[:-1])) if len(hashes) else np.empty(0, dtype=bool)
    return Searched(length[first].astype(np.int32), hashes[first], checks[first], items[first].astype(np.int64)), short


@dataclass(frozen=True)
class Matches:
    """Where n-grams were found: sorted by document, then word, then length; each once."""

    document: I64
    word: I64
    """The n-gram's first word, counted in its document."""
    gram: I64
    """Index into `Searched`."""


def matches(texts: Iterable[str], grams: Searched) -> Matches:
    """Return where texts contain n-grams. Memory: a few arrays of 65,536 words, whatever the texts' lengths."""
    lengths = grams.lengths()
    found = [np.empty((0, 3), dtype=np.int64)]
    if lengths:
        for batch in _batches(texts, lengths[-1]):
            found.append(_in_batch(batch, grams, lengths))
    rows = np.unique(np.concatenate(found), axis=0)
    return Matches(rows[:, 0], rows[:, 1], rows[:, 2])


@dataclass
class _Batch:
    """Words of several documents, one after the other."""

    tokens: list[str] = field(default_factory=list)
    document: list[int] = field(default_factory=list)
    """Of each segment of `tokens`,"""
    first: list[int] = field(default_factory=list)
    """the number of its first word in its document, and"""
    start: list[int] = field(default_factory=list)
    """its place in `tokens`."""

    def add(self, document: int, first: int, tokens: list[str]) -> None:
        self.document.append(document)
        self.first.append(first)
        self.start.append(len(self.tokens))
        self.tokens += tokens


def _batches(texts: Iterable[str], longest: int) -> Iterator[_Batch]:
    batch = _Batch()
    for document, text in enumerate(texts):
        count, tail = 0, list[str]()
        for piece in pieces(text):
            tokens = words(piece)
            for low in range(0, len(tokens), _BATCH):
                own = tail + tokens[low : low + _BATCH]
                batch.add(document, count - len(tail), own)
                count += len(own) - len(tail)
                tail = own[len(own) - min(longest - 1, len(own)) :]
                if len(batch.tokens) >= _BATCH:
                    yield batch
                    batch = _Batch()
    if batch.tokens:
        yield batch


def pieces(text: str) -> Iterator[str]:
    """Yield a text in pieces of about a million characters, none of which ends in a word: words are counted as in the whole."""
    at = 0
    while at < len(text):
        end = min(at + _PIECE, len(text))
        run = _LETTERS.match(text, end - 1)
        end = run.end() if run else end
        yield text[at:end]
        at = end


def _in_batch(batch: _Batch, grams: Searched, lengths: list[int]) -> I64:
    hashed = word_hashes(batch.tokens)
    start = np.array(batch.start)
    ends = np.append(start[1:], len(hashed))
    found = []
    for length in lengths:
        at, gram = grams.among(sequence_hashes(hashed, length, 1), length)
        segment = np.searchsorted(start, at, side="right") - 1
        inside = at + length <= ends[segment]
        if inside.any():
            at, gram, segment = at[inside], gram[inside], segment[inside]
            windows = hashed[at[:, None] + np.arange(length)]
            checks = np.array([sequence_hashes(window, length, 2)[0] for window in windows], dtype=np.uint64)
            true = checks == grams.checks[gram]
            word = at - start[segment] + np.array(batch.first)[segment]
            found.append(np.column_stack([np.array(batch.document)[segment], word, gram])[true])
    return np.concatenate(found).astype(np.int64) if found else np.empty((0, 3), dtype=np.int64)


def word_places(text: str) -> I64:
    """Return the characters at which each word of a text begins and ends: (words, 2)."""
    return np.fromiter((at for found in WORD.finditer(text) for at in found.span()), dtype=np.int64).reshape(-1, 2)


def stretches(begins: I64, ends: I64) -> list[tuple[int, int]]:
    """Return what ranges cover, ascending and apart; `begins` ascends."""
    result: list[tuple[int, int]] = []
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        if result and begin <= result[-1][1]:
            result[-1] = result[-1][0], max(end, result[-1][1])
        else:
            result.append((begin, end))
    return result
