"""How much of a document is in its own language, line by line: a page in Chinese with an English menu, a chat in two languages."""

from raylm.corpus.language.cld2 import find
from raylm.corpus.language.codes import twins

_LINES = 40
"""Lines that are looked at: all up to this many, else so many spread evenly."""
_LETTERS = 12
"""Bytes of letters below which a line's language cannot be told."""
_LONGEST = 300
"""Characters of a line that are read."""


def language_share(text: str, language: str) -> float | None:
    """Return the share of the characters in lines of `language` among those in lines whose language can be told; None if in none.

    A line that CLD2 takes for a twin of the language (Bosnian for Croatian) counts as of the language: single lines do not tell
    them. Lines too short, or without letters, count neither way.
    """
    lines = [line for line in map(str.strip, text.split("\n")) if line]
    if len(lines) > _LINES:
        lines = [lines[position * len(lines) // _LINES] for position in range(_LINES)]
    own, told = 0, 0
    near = twins(language)
    for line in lines:
        finding = find(line[:_LONGEST])
        if not finding.languages or not finding.reliable or finding.bytes < _LETTERS:
            continue
        told += len(line)
        own += len(line) * (finding.languages[0][0] in near)
    return own / told if told else None
