"""What a mask is: a placeholder and a finder of places. A finder never runs its full pattern over a text. It takes the few places
where the text's *shape* (every digit one sign, every letter another) allows a hit, found at memory speed, and looks closely only
there. So a dozen kinds cost ordinary text little, and no text costs more than linear time.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from raylm.corpus.document import Content

Span = tuple[int, int]
"""First and past-the-last character of a place."""

_SHAPE = bytes(48 if 48 <= code < 58 else 97 if chr(code).isalpha() and code < 128 else code for code in range(256))
# The characters of keys and base64; a run of them is one token.
_TOKEN = bytes(97 if code < 128 and (chr(code).isalnum() or chr(code) in "_-+/=") else 32 for code in range(256))
_SHORTEST_TOKEN = 16

# Seven digits with up to three signs between two of them: what every number that names a person has.
_NUMBER = re.compile(rb"0(?:[ ().\-/]{0,3}0){6,}")
_LONGEST_NUMBER = 1000
_RUN = re.compile(rb"a+")


class Scan:
    """One text in which masks look for places; what they share is worked out once."""

    def __init__(self, text: str, content: Content = "prose") -> None:
        """Work out nothing yet. `content`: in code, a number is personal data only where words around it say so."""
        self.text = text
        self.content = content

    @cached_property
    def _ascii(self) -> bytes:
        return self.text.encode("ascii", "replace")

    @cached_property
    def shape(self) -> bytes:
        """The text, a byte per character: `0` for a digit, `a` for a letter, `?` for what is not ASCII, others as they are."""
        return self._ascii.translate(_SHAPE)

    @cached_property
    def lower(self) -> bytes:
        """The text in small letters, a byte per character, `?` for what is not ASCII. (`str.lower` can change the length.)"""
        return self._ascii.lower()

    def places(self, sign: str) -> Iterator[int]:
        """Yield where a string stands in the text."""
        at = self.text.find(sign)
        while at >= 0:
            yield at
            at = self.text.find(sign, at + len(sign))

    @cached_property
    def numbers(self) -> list[Span]:
        """Maximal runs of seven or more digits and the signs that part them (space, point, hyphen, slash, brackets). What goes on
        for more than a thousand characters is a table of figures.
        """
        return [match.span() for match in _NUMBER.finditer(self.shape) if match.end() - match.start() <= _LONGEST_NUMBER]

    @cached_property
    def tokens(self) -> list[Span]:
        """Maximal runs of 16 or more letters, digits and `_-+/=`, a digit among them: what keys and checked addresses are."""
        flat = self._ascii.translate(_TOKEN)
        found: list[Span] = []
        start = flat.find(b"a" * _SHORTEST_TOKEN)
        while start >= 0:
            run = _RUN.match(flat, start)
            end = run.end() if run else start + 1
            if self.shape.find(b"0", start, end) >= 0:
                found.append((start, end))
            start = flat.find(b"a" * _SHORTEST_TOKEN, end)
        return found

    def says(self, *words: bytes) -> bool:
        """Return whether one of these words, in small letters, stands anywhere in a text that has numbers."""
        return bool(self.numbers) and any(word in self.lower for word in words)

    def in_numbers(self, pattern: re.Pattern[str], room: int = 2) -> Iterator[re.Match[str]]:
        """Yield a pattern's matches in `numbers`, seen with `room` characters around them; each number's matches do not overlap."""
        for start, end in self.numbers:
            yield from pattern.finditer(self.text, max(0, start - room), min(len(self.text), end + room))

    def near(self, span: Span, words: re.Pattern[str], before: int = 48, after: int = 0) -> bool:
        """Return whether words stand within some characters before the place, or after it."""
        start, end = span
        return bool(
            words.search(self.text[max(0, start - before) : start]) or (after and words.search(self.text[end : end + after]))
        )


@dataclass(frozen=True)
class Mask:
    """One kind of personal data."""

    placeholder: str
    find: Callable[[Scan], Iterable[Span]]
    """Places of the kind, in the text's order, not overlapping."""


def merge(taken: list[tuple[int, int, str]], found: Iterable[Span], kind: str) -> list[tuple[int, int, str]]:
    """Return the places in order, with those found that overlap none taken. Linear in both, which are sorted."""
    result: list[tuple[int, int, str]] = []
    at = 0
    for start, end in found:
        while at < len(taken) and taken[at][1] <= start:
            result.append(taken[at])
            at += 1
        if (at == len(taken) or taken[at][0] >= end) and (not result or result[-1][1] <= start):
            result.append((start, end, kind))
    return result + taken[at:]
