"""Text normalisation that changes form and never meaning: Unicode NFC, one newline, no control characters, no trailing blanks.

What may change more than form is an option of `CleanConfig`, for prose only: source code is data to the character.
"""

import re
import sys
import unicodedata
from functools import cache
from typing import Any, Literal

from pydantic import Field, field_validator

from raylm.corpus.c4_lines import STANDARD, LineRules, c4_lines, is_spaced
from raylm.corpus.marks import SENTENCE_ENDS
from raylm.corpus.repairs import convert_chinese, drop_invisible, repair_encoding
from raylm.recipe.section import Section

Normalisation = Literal["nfc", "nfkc", "none"]

_NEWLINES = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# C0 but tab and newline, DEL, C1, lone surrogates, the byte order mark inside a text, and non-characters.
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_BLANK_LINES = re.compile(r"\n{4,}")
_PILE = 30
"""Marks on one character; those above go. Unicode knows no writing that has as many (UAX #15, stream-safe text), and to normalise a
pile takes time with the square of its height: one of a few hundred kilobytes takes minutes."""
_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_EVEN_ASCII = bytes([9, 10, *range(32, 127)])
_FOREIGN_ENDS = "".join(sorted(mark for mark in SENTENCE_ENDS if not mark.isascii()))
"""What ends a sentence, besides the marks of C4's English."""


_PASSES = 8
"""What one repair uncovers another may see: they are repeated until nothing changes, which is almost always the second time."""


def clean(text: str, normalisation: Normalisation = "nfc") -> str:
    """Return `text` in NFC (or as asked) with `\\n` newlines, no control characters or blanks at line ends, and no more than two
    blank lines in a row.

    Indentation is kept: it means something in code. A text that is not empty ends with exactly one newline. Idempotent.
    """
    if _has_odd(text):
        text = _CONTROLS.sub("", _NEWLINES.sub("\n", text))
    if normalisation != "none" and not text.isascii():
        text = _unpiled(unicodedata.normalize("NFC" if normalisation == "nfc" else "NFKC", _unpiled(text)))
    text = "\n".join(map(str.rstrip, text.split("\n")))
    if "\n\n\n\n" in text:
        text = _BLANK_LINES.sub("\n\n\n", text)
    text = text.strip("\n")
    return text + "\n" if text else ""


def _has_odd(text: str) -> bool:
    """Whether a text holds a character that `_NEWLINES` or `_CONTROLS` changes; few do, and in ASCII that is told at once."""
    return bool(text.encode().translate(None, _EVEN_ASCII)) if text.isascii() else _ODD.search(text) is not None


def _unpiled(text: str) -> str:
    """Cut piles of marks down to `_PILE`."""
    likely, marks = _piles()
    return likely.sub(lambda found: marks.sub(lambda pile: pile[0][:_PILE], found[0]), text)


@cache
def _piles() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what finds a pile that is too high, and before it, for speed, what may be one."""
    marks = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.combining(chr(code))]
    plain = "".join(mark for mark in marks if mark <= "\uffff")
    least = f"{{{_PILE + 1},}}"
    return re.compile(f"[{plain}\U00010000-\U0010ffff]{least}"), re.compile(f"[{''.join(marks)}]{least}")


class C4Lines(Section):
    """C4's line rules (Raffel et al. 2020, section 2.2), which change prose: of a page only lines are kept that end a sentence,
    have some words, and speak neither of cookies, privacy and terms nor of JavaScript; and Wikipedia's citation marks go.

    They count words between white space, so a text mostly in a script without (Chinese, Japanese, Thai) stays as it is;
    in the others a sentence may end with the marks of any script. Notices are told by their words, and in English only. The
    funnel's `clean` counts the bytes that went; a text of which nothing is left goes in the step `length`.
    """

    sources: tuple[str, ...] = ()
    """Names of the sources whose texts are cut to such lines; empty means all. `c4_lines: true` is all these defaults; without
    `c4_lines`, nothing is done."""
    marks: str = STANDARD.marks
    """A line is kept if it ends with one of these characters, or with what ends a sentence in another script, and not with `...`;
    empty keeps all."""
    min_words: int = Field(default=STANDARD.min_words, ge=0)
    """A line is kept if it has so many words."""
    max_word: int = Field(default=STANDARD.max_word, ge=1)
    """A line is kept if none of its words has more characters."""

    def apply(self, text: str) -> str:
        """Return the lines that are kept; idempotent."""
        if not is_spaced(text):
            return text
        return c4_lines(text, LineRules(self.marks and self.marks + _FOREIGN_ENDS, self.min_words, self.max_word))


class CleanConfig(Section):
    """What is done to every text before anything reads it. Without options: `clean`, form only."""

    mojibake: bool = False
    """Whether text that was decoded with the wrong encoding, once or several times, is decoded right (`schÃ¶n` to `schön`), as
    `ftfy` does it. Nothing else of ftfy is done: quotes, ligatures, widths and HTML entities stay. Prose only."""
    normalisation: Normalisation = "nfc"
    """Unicode normal form. `nfkc` also folds full-width letters, ligatures and superscripts. That loses the difference between x²
    and x2, and writes Chinese and Japanese punctuation (，！？) as Latin; code is kept in NFC then."""
    invisible: bool = False
    """Whether soft hyphens, zero-width spaces and direction marks go. Joiners stay: Persian, Indic scripts and emoji need them.
    Prose only."""
    chinese: Literal["keep", "simplified", "traditional"] = "keep"
    """One script for all Chinese (OpenCC, character and phrase tables). Lines with Japanese kana or Korean are left alone.
    Prose only."""
    c4_lines: C4Lines | None = None
    """Whether of web pages only lines are kept that C4 keeps: `true`, or for which sources and by which thresholds. Prose only."""

    @field_validator("c4_lines", mode="before")
    @classmethod
    def _as_published(cls, value: Any) -> Any:
        return {True: C4Lines(), False: None}[value] if isinstance(value, bool) else value

    def apply(self, text: str, content: str = "prose", source: str = "") -> str:
        """Return the cleaned text; idempotent.

        Args:
            text: as it was decoded.
            content: `code` or `prose`.
            source: name of its source.

        Raises:
            UserError: if the package that an option needs is not installed.
        """
        if content == "code":
            return clean(text, "nfc" if self.normalisation == "nfkc" else self.normalisation)
        text = clean(self._repaired(text, source), self.normalisation)
        for _ in range(_PASSES):
            again = self._repaired(text, source)
            if again == text:
                break
            text = clean(again, self.normalisation)
        return text

    def _repaired(self, text: str, source: str) -> str:
        if not text.isascii():
            if self.mojibake:  # first: what it needs, control characters and odd newlines, goes when cleaned
                text = repair_encoding(text)
            if self.invisible:
                text = drop_invisible(text)
            if self.chinese != "keep":
                text = convert_chinese(text, self.chinese)
        if self.c4_lines and (not self.c4_lines.sources or source in self.c4_lines.sources):
            text = self.c4_lines.apply(text)
        return text
