"""Words of the scripts that put no space between them: Chinese by rjieba, Japanese by TinySegmenter, Thai by BudouX.

All three carry their small models in the package and need no network. BudouX has a Japanese model as well, but it cuts phrases: a
third as many as there are words.
"""

import re
from collections.abc import Callable
from functools import cache

UNSPACED = r"\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Thai, hiragana and katakana, Chinese characters: the inside of a character class."""
_UNSPACED = re.compile(f"[{UNSPACED}]")
_THAI = re.compile(r"[\u0e00-\u0e7f]+")
_KANA = re.compile(r"[\u3040-\u30ff]")
_EAST_ASIAN = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LEAST_KANA = 0.1
"""A text is Japanese if so much of its Chinese and Japanese characters is kana; Chinese text cites a Japanese name at most."""
_PIECE = 2_000
"""Most characters that a segmenter is given at once: nobody writes so long a run, and data does."""


@cache
def _chinese() -> Callable[[str], list[str]]:
    import rjieba

    return rjieba.cut


@cache
def _japanese() -> Callable[[str], list[str]]:
    import tinysegmenter

    return tinysegmenter.TinySegmenter().tokenize


@cache
def _thai() -> Callable[[str], list[str]]:
    import budoux

    return budoux.load_default_thai_parser().parse


def segmented(text: str) -> list[str]:
    """Return the words between white space, those in unspaced scripts cut further; punctuation next to these is set apart."""
    east_asian = len(_EAST_ASIAN.findall(text))
    cut = _japanese if len(_KANA.findall(text)) > _LEAST_KANA * east_asian else _chinese
    words: list[str] = []
    shared: dict[str, str] = {}  # equal words are one string: there are few different ones in a long text
    for spaced in text.split():
        if spaced.isascii() or not _UNSPACED.search(spaced):
            words.append(spaced)
            continue
        for start in range(0, len(spaced), _PIECE):
            piece = spaced[start:start + _PIECE]
            found = _thai_words(piece) if _THAI.search(piece) else cut()(piece)
            words += map(shared.setdefault, found, found)
    return words


def _thai_words(text: str) -> list[str]:
    """Cut the runs of Thai, leave what is between them."""
    words, end = [], 0
    for run in _THAI.finditer(text):
        if run.start() > end:
            words.append(text[end:run.start()])
        words += _thai()(run.group())
        end = run.end()
    return [*words, text[end:]] if end < len(text) else words
