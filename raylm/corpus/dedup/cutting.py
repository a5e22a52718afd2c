"""Cutting ranges of bytes out of a text, so that what stays reads as text.

A range only ever shrinks, inward to the next border of the kind asked for: nothing is cut that was not found. UTF-8 is never cut,
and two words that a cut would glue together get the white space that was between them.
"""

import re
from collections.abc import Iterable
from typing import Literal

Borders = Literal["character", "word", "sentence", "line"]

LONGEST_WORD = 64
"""Letters from which a run is no word but data (a key, a picture in base64), and may be cut anywhere."""

_ENDING = "[.!?。！？｡…]"
_CLOSING = "[\"'”’»)\\]}」』）】》]"
SENTENCE = re.compile(f"(?:(?<!{_ENDING}){_ENDING}++{_CLOSING}*+(?:\\s+|$))|(?:[。！？｡]+{_CLOSING}*\\s*)|(?:\\n\\s*)")
"""What is between sentences: terminal punctuation before white space or an end, that of scripts without spaces, a line's end. A row
of dots is tried once, at its first: at each of them, it would cost the square of its length."""
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[\U00020000-\U0003ffff]")


def sentence_starts(text: str) -> list[int]:
    """Return where the sentences of a text begin, in characters, and the text's end. White space after a sentence is part of it."""
    starts = [0] if text else []
    starts += [match.end() for match in SENTENCE.finditer(text) if 0 < match.end() < len(text)]
    return [*starts, len(text)]


def character_ranges(text: bytes, found: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return ranges of UTF-8 bytes as ranges of characters, shrunk so that no character is cut; empty ones are left out.

    `found` ascends and does not overlap; so does the result.
    """
    result, at, characters = [], 0, 0
    for begin, end in found:
        while begin < end and text[begin] & 0xC0 == 0x80:
            begin += 1
        while end > begin and end < len(text) and text[end] & 0xC0 == 0x80:
            end -= 1
        if begin < end:
            characters += len(text[at:begin].decode())
            length = len(text[begin:end].decode())
            result.append((characters, characters + length))
            characters += length
            at = end
    return result


def snapped(text: str, found: list[tuple[int, int]], borders: Borders) -> list[tuple[int, int]]:
    """Shrink ranges of characters inward to borders; those that hold no whole word, sentence or line are left out."""
    if borders == "character" or not found:
        return found
    if borders == "word":
        moved = [(_next_border(text, begin, end), _last_border(text, begin, end)) for begin, end in found]
        return [(begin, end) for begin, end in moved if begin < end]
    starts = sentence_starts(text) if borders == "sentence" else _line_starts(text)
    result, index = [], 0
    for begin, end in found:
        while starts[index] < begin:
            index += 1
        first = last = index
        while last + 1 < len(starts) and starts[last + 1] <= end:
            last += 1
        if last > first:
            result.append((starts[first], starts[last]))
        index = last
    return result


def without(text: str, ranges: Iterable[tuple[int, int]]) -> str:
    """Return the text without ranges of characters, ascending and apart. Between letters of spaced scripts white space stays."""
    pieces: list[str] = []
    at = 0
    for begin, end in ranges:
        pieces.append(text[at:begin])
        before, after = text[begin - 1 : begin], text[end : end + 1]
        if at < begin and _spaced(before) and _spaced(after):
            pieces.append("\n" if "\n" in text[begin:end] else " ")
        at = end
    pieces.append(text[at:])
    return "".join(pieces)


def widened(text: str, begin: int, end: int) -> tuple[int, int]:
    """Return a range of characters widened until no word is cut in the middle."""
    for _ in range(LONGEST_WORD):
        begin -= _inside(text, begin)
        end += _inside(text, end)
    return begin, end


def _line_starts(text: str) -> list[int]:
    starts = [0] if text else []
    starts += [match.end() for match in re.finditer("\n", text) if match.end() < len(text)]
    return [*starts, len(text)]


def _spaced(character: str) -> bool:
    """Whether a character is part of a word of a script that has spaces between words."""
    return (character.isalnum() or character == "_") and not _UNSPACED.match(character)


def _inside(text: str, at: int) -> bool:
    """Whether a place is in the middle of a word."""
    return 0 < at < len(text) and _spaced(text[at - 1]) and _spaced(text[at])


def _next_border(text: str, at: int, end: int) -> int:
    """Return the first place from `at` on that is not in a word; `at` if what it is in is too long for a word."""
    found = at
    while found < end and _inside(text, found):
        found += 1
        if found - at > LONGEST_WORD:
            return at
    return found


def _last_border(text: str, begin: int, at: int) -> int:
    """Return the last place up to `at` that is not in a word; `at` if what it is in is too long for a word."""
    found = at
    while found > begin and _inside(text, found):
        found -= 1
        if at - found > LONGEST_WORD:
            return at
    return found
