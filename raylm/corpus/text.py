"""A text and its splits, each made once and lazily: the rules, the models and near-duplicate search all read these.

Published rules count words between white space, so that is what `words` are. Chinese, Japanese and Thai put none between words;
their runs go through a segmenter, loaded when the first such character comes. Who must count as another program does sets
`TextView.splitter`.
"""

import re
from functools import cached_property
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from raylm.corpus.segmenters import UNSPACED, segmented

# A run of letters of a spaced script is one word; each Thai, Chinese or Japanese character counts as one, as those are not spaced.
_TOKEN = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")
_SPACED_TOKEN = re.compile(r"\w+")
_UNSPACED = re.compile(f"[{UNSPACED}]")
_PARAGRAPHS = re.compile(r"\n{2,}")
_LINES = re.compile(r"\n+")

# A sentence ends with its mark, with what closes after it, where white space follows and no small letter after that; in scripts
# without spaces the mark alone ends it. Initials and usual abbreviations end none; a blank line ends one too. The pattern begins
# with the marks, so that all else is passed over fast, and each try is bounded.
_ABBREVIATIONS = ("Mr", "Mrs", "Ms", "Dr", "Prof", "St", "Sr", "Jr", "vs", "etc", "No", "Fig", "Vol", "Inc", "Ltd", "Co",
                  "e.g", "i.e", "cf", "Gen", "Rev", "Hon", "Capt", "Lt", "Col", "Sgt", "Sen", "Rep", "Gov", "approx", "pp", "al")
_FULL_STOP = r"(?<!\b[A-Z]\.)" + "".join(
    rf"(?<!\b(?:{'|'.join(re.escape(word) for word in _ABBREVIATIONS if len(word) == length)})\.)"
    for length in sorted(set(map(len, _ABBREVIATIONS)))
)
_WIDE = r"\u3002\uff01\uff1f\uff61"
_SPACED = r"!?\u203c\u203d\u2047-\u2049\u061f\u06d4\u0964\u0965\u1362\u1367\u1368\u17d4\u17d5\u104a\u104b"
_ENDS = re.compile(
    rf"[.\n{_SPACED}{_WIDE}](?:"
    rf"(?:(?<=\.){_FULL_STOP}|(?<=[{_SPACED}]))[.!?]{{0,8}}[\"'\u2019\u201d\u00bb)\]]{{0,4}}(?:\s+(?![a-z])|$)"
    rf"|(?<=[{_WIDE}])[{_WIDE}\u2026]{{0,8}}[\u300d\u300f\u201d\u2019\uff09\u3011\u300b]{{0,4}}\s*"
    r"|(?<=\n)[^\S\n]*\n\s*)"
)

_LONG = 1_000_000
"""Characters from which on equal tokens are one string: a string for each character of 50 MB of Chinese takes over a gigabyte."""


class Splitter(Protocol):
    """How a text is cut where opinions differ."""

    def words(self, text: str) -> list[str]:
        """Return the words, none of them empty or with white space around it."""

    def sentences(self, text: str) -> list[str]:
        """Return the sentences, none of them blank."""


class PlainSplitter:
    """Words between white space, cut by a segmenter where the script has none; sentences by their marks."""

    def words(self, text: str) -> list[str]:
        """Return the words; punctuation stays with them, as in the published definitions, but for what segmenters set apart."""
        if text.isascii() or not _UNSPACED.search(text):
            return text.split()
        return segmented(text)

    def sentences(self, text: str) -> list[str]:
        """Return the sentences, without the white space around them. A blank line ends one too."""
        start, found = 0, []
        for end in _ENDS.finditer(text):
            found.append(text[start:end.end()].strip())
            start = end.end()
        found.append(text[start:].strip())
        return [sentence for sentence in found if sentence]


class TextView:
    """One text, split on demand."""

    splitter: ClassVar[Splitter] = PlainSplitter()
    """Used by every view of the process."""

    def __init__(self, text: str) -> None:
        """Split nothing yet."""
        self.text = text

    @cached_property
    def tokens(self) -> list[str]:
        """Words without punctuation where script is spaced, single characters where it is not: what shingles are made of."""
        spaced = self.text.isascii() or not _UNSPACED.search(self.text)
        pattern = _SPACED_TOKEN if spaced else _TOKEN
        if len(self.text) < _LONG:
            return pattern.findall(self.text)
        shared: dict[str, str] = {}
        return [shared.setdefault(found[0], found[0]) for found in pattern.finditer(self.text)]

    @cached_property
    def words(self) -> list[str]:
        """The words that rules count."""
        return self.splitter.words(self.text)

    @cached_property
    def word_ids(self) -> npt.NDArray[np.int64]:
        """For each of the `words` the place of its first occurrence among the different ones: equal words, equal numbers from 0."""
        different = dict.fromkeys(self.words)
        numbers = dict(zip(different, range(len(different)), strict=True))
        return np.fromiter(map(numbers.__getitem__, self.words), np.int64, len(self.words))

    @cached_property
    def sentences(self) -> list[str]:
        """The sentences, stripped."""
        return self.splitter.sentences(self.text)

    @cached_property
    def raw_lines(self) -> list[str]:
        """The text between newlines."""
        return self.text.split("\n")

    @cached_property
    def lines(self) -> list[str]:
        """The lines that are not blank, stripped."""
        return [stripped for stripped in map(str.strip, self.raw_lines) if stripped]

    @cached_property
    def line_runs(self) -> list[str]:
        """The text between runs of newlines, as Gopher's repetition rules cut it."""
        return _LINES.split(self.text) if "\n\n" in self.text else self.raw_lines

    @cached_property
    def paragraphs(self) -> list[str]:
        """The stripped text between blank lines."""
        return _PARAGRAPHS.split(self.text.strip()) if "\n\n" in self.text else [self.text.strip()]

    @cached_property
    def utf8(self) -> bytes:
        """The text in UTF-8; a lone surrogate becomes a question mark."""
        return self.text.encode("utf-8", "replace")
