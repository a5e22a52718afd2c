"""How much of a document repeats itself, after Gopher (Rae et al. 2021, appendix A.1, table A1).

An n-gram that is there twice begins with an (n-1)-gram that is there twice. So only the places of these are looked at for the next
length, and a document without a repeated pair of words is done after pairs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from raylm.corpus.document import Document
from raylm.corpus.measures.each import Each, Figure, share

if TYPE_CHECKING:
    from raylm.corpus.text import TextView

TOP = (2, 3, 4)
"""Lengths of which the most frequent n-gram counts."""
REPEATED = (5, 6, 7, 8, 9, 10)
"""Lengths of which all repeated n-grams count."""
_TOGETHER = 300_000
"""Words sorted together: some documents are enough for numpy to be fast, and memory stays small."""
_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class GopherRepetition(Each):
    """Shares of paragraphs, of lines, and of a document's characters (white space among them) that repeat what was before:

    `repeated_paragraphs`, `repeated_paragraph_characters` (between blank lines), `repeated_line_count`, `repeated_line_characters`
    (between newlines); `top_N_gram`: characters of the most frequent N-gram of words, all its occurrences, with a blank between
    words; `repeated_N_grams`: characters in N-grams that were there before, no place counted twice.
    """

    times: int = 1
    """The most frequent n-gram counts if it is there so often; else `top_N_gram` is 0."""

    def names(self) -> tuple[str, ...]:
        """Return the columns."""
        return ("repeated_paragraphs", "repeated_paragraph_characters", "repeated_line_count", "repeated_line_characters",
                *(f"top_{n}_gram" for n in TOP), *(f"repeated_{n}_grams" for n in REPEATED))

    def figures(self, document: Document) -> tuple[Figure, ...]:
        """Return the shares of one document."""
        return self._rows([document])[0]

    def measure(self, documents: Sequence[Document]) -> dict[str, Sequence[Any]]:
        """Return the figures by column; n-grams of several documents are sorted together."""
        rows: list[tuple[Figure, ...]] = []
        start = words = 0
        for end, document in enumerate(documents, 1):
            words += len(document.view.words)
            if words >= _TOGETHER or end == len(documents):
                rows += self._rows(documents[start:end])
                start, words = end, 0
        return {column: [row[index] for row in rows] for index, column in enumerate(self.columns)}

    def _rows(self, documents: Sequence[Document]) -> list[tuple[Figure, ...]]:
        ngrams = repeated_ngrams([document.view for document in documents], self.times)
        return [(*_parts(document), *(None if count is None else share(count, len(document.text)) for count in counts))
                for document, counts in zip(documents, ngrams, strict=True)]


def _parts(document: Document) -> list[Figure]:
    """Return the shares of paragraphs and lines, and of characters in them, that were there before."""
    figures = []
    for parts in (document.view.paragraphs, document.view.line_runs):
        different = set(parts)
        repeated = sum(map(len, parts)) - sum(map(len, different)) if len(different) < len(parts) else 0
        figures += [share(len(parts) - len(different), len(parts)), share(repeated, len(document.text))]
    return figures


def repeated_ngrams(views: Sequence["TextView"], least: int = 1) -> list[list[int | None]]:
    """Return for each text the characters in the top and in the repeated n-grams, by length.

    A top n-gram is None where the text has fewer words, and 0 where it is there fewer times than `least`. Of equally frequent ones
    the first counts.
    """
    words = np.cumsum([0, *(len(view.words) for view in views)])
    # Numbers of different texts differ, so that no n-gram is in two of them.
    ids = np.concatenate([view.word_ids + start for view, start in zip(views, words.tolist(), strict=False)])
    last = np.repeat(words[1:], np.diff(words))
    lengths = np.fromiter(chain.from_iterable(map(len, view.words) for view in views), np.int64, len(ids))
    ends = np.concatenate(([0], np.cumsum(lengths)))
    found: list[list[int | None]] = [[] for _ in views]
    for n, (places, ranks, counts) in zip((*TOP, *REPEATED), _repeated(ids, last), strict=False):
        edges = np.searchsorted(places, words).tolist()
        for counted, start, stop, one, other in zip(found, words.tolist(), words[1:].tolist(), edges, edges[1:], strict=False):
            if n in REPEATED:
                counted.append(_covered(places[one:other], ranks[one:other], ends, n) if one < other else 0)
            elif start + n > stop:
                counted.append(None)
            else:
                # Where none is there twice, that is the text's first.
                best = one + int(np.argmax(counts[one:other])) if one < other else -1
                place, times = (int(places[best]), int(counts[best])) if one < other else (start, 1)
                counted.append((int(ends[place + n] - ends[place]) + n - 1) * times if times >= least else 0)
    return found


def _repeated(ids: _Ints, last: _Ints) -> Iterator[tuple[_Ints, _Ints, _Ints]]:
    """Yield for n = 2, 3, ... the places of n-grams that are there twice, the n-grams' numbers, and how often each is there.

    Args:
        ids: (words,) of all texts.
        last: (words,) the place behind the text that the word is in.
    """
    places, ranks, most, n = np.arange(len(ids)), ids, len(ids) + 1, 1
    while True:
        n += 1
        inside = places + n <= last[places]
        places = places[inside]
        keys = ranks[inside] * most + ids[places + n - 1]
        order = np.argsort(keys)
        starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
        sizes = np.diff(starts, append=len(keys))
        ranks, counts = np.empty_like(keys), np.empty_like(keys)
        ranks[order] = np.repeat(np.arange(len(starts)), sizes)
        counts[order] = np.repeat(sizes, sizes)
        twice = counts > 1
        places, ranks = places[twice], ranks[twice]
        yield places, ranks, counts[twice]


def _covered(places: _Ints, ranks: _Ints, ends: _Ints, n: int) -> int:
    """Return the characters in n-grams that were there before, going from left to right and on behind each that was found."""
    seen: set[int] = set()
    free = characters = 0
    for place, rank in zip(places.tolist(), ranks.tolist(), strict=True):
        if place < free:
            continue
        if rank in seen:
            characters += int(ends[place + n] - ends[place])
            free = place + n
        else:
            seen.add(rank)
    return characters
