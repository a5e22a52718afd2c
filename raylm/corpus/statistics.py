"""What the rules know of a document, computed once for all of them. The word split is shared with near-duplicate search too:
splitting, not judging, is what filtering costs.
"""

import re
from dataclasses import dataclass

import numpy as np

# A run of letters of a spaced script is one word; each Thai, Chinese or Japanese character counts as one, as those are not spaced.
_UNSPACED = r"\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_HEAD_LINES = 12


def words(text: str) -> list[str]:
    """Split a text into words, without punctuation."""
    return _WORD.findall(text)


@dataclass(frozen=True)
class TextStatistics:
    """Counts over one cleaned document."""

    bytes: int
    """UTF-8 bytes."""
    characters: int
    visible: int
    """Characters that are not white space."""
    words: int
    word_characters: int
    """Characters in words (letters, digits, underscore)."""
    letters: int
    """Characters in words that are not ASCII digits or underscores."""
    lines: int
    """Lines that are not blank."""
    longest_line: int
    repeated_line_characters: int
    """Characters in lines that occurred before in the document, of lines with more than a few visible characters."""
    line_characters: int
    """Characters in all lines, stripped: what the repeated ones are a share of."""
    head: str
    """The first lines, in lower case: where generators sign."""


def statistics(text: str, split: list[str]) -> TextStatistics:
    """Count over a cleaned text and its `words`."""
    histogram = np.bincount(np.frombuffer(text.encode(), dtype=np.uint8), minlength=256)
    raw_lines = text.split("\n")
    lines = [stripped for stripped in map(str.strip, raw_lines) if stripped]
    seen: set[str] = set()
    repeated = 0
    for line in lines:
        # Closing brackets, `else:` and rules of dashes repeat in every good file.
        if len(line) > 8:
            if line in seen:
                repeated += len(line)
            seen.add(line)
    word_characters = sum(map(len, split))
    return TextStatistics(
        bytes=int(histogram.sum()),
        characters=len(text),
        visible=sum(map(len, text.split())),
        words=len(split),
        word_characters=word_characters,
        letters=word_characters - int(histogram[48:58].sum()) - int(histogram[95]),
        lines=len(lines),
        longest_line=max(map(len, raw_lines), default=0),
        repeated_line_characters=repeated,
        line_characters=sum(map(len, lines)),
        head="\n".join(raw_lines[:_HEAD_LINES]).lower(),
    )
