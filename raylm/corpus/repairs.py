"""Repairs of prose that go beyond its form, each an option of `CleanConfig`. All work a line at a time, and on a very long line a
piece at a time, so that what they hold beside the text does not grow with it.
"""

import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any, Literal

from raylm.errors import UserError

_PIECE = 20_000
"""Characters of a line that are repaired at a time."""
# Soft hyphen, Mongolian vowel separator, zero-width space, word joiner, invisible operators, direction marks and their embeddings.
_INVISIBLE = re.compile("[\xad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_JAPANESE_OR_KOREAN = re.compile("[\u3041-\u3096\u30a1-\u30fa\u30fc\u1100-\u11ff\uac00-\ud7a3]")


def repair_encoding(text: str) -> str:
    """Undo decoding with a wrong encoding where a line shows it beyond doubt: UTF-8 read as Windows-1252, Latin-1 and others, once
    or several times, with bytes lost on the way; and Windows-1252 punctuation left as control characters.

    Only the encoding steps of ftfy (R. Speer, ftfy, 2019, doi:10.5281/zenodo.2591652) are used.
    """
    fix = _encoding_fixer()
    return _by_line(text, lambda line: line if line.isascii() else fix(line))


def drop_invisible(text: str) -> str:
    """Remove characters that show nothing and join nothing: soft hyphens, zero-width spaces, direction marks."""
    return _INVISIBLE.sub("", text)


def convert_chinese(text: str, script: Literal["simplified", "traditional"]) -> str:
    """Write the Chinese of a text in one script. Lines with kana or Hangul are not Chinese and stay; so do all other characters.

    Characters and phrases are converted, not the words of another region. To traditional script is one to many: a line stays that
    is traditional already (more of it would change the other way), as 于, 云, 余 are words of their own there, and not short
    for 於, 雲, 餘.
    """
    if not _HAN.search(text):
        return text
    to_simplified = _converter("t2s")
    convert = to_simplified if script == "simplified" else partial(_to_traditional, _converter("s2t"), to_simplified)
    return _by_line(text, lambda line: line if _JAPANESE_OR_KOREAN.search(line) or not _HAN.search(line) else convert(line))


def _by_line(text: str, change: Callable[[str], str]) -> str:
    return "\n".join(
        change(line) if len(line) <= _PIECE
        else "".join(change(line[start:start + _PIECE]) for start in range(0, len(line), _PIECE))
        for line in text.split("\n")
    )


def _to_traditional(convert: Callable[[str], str], back: Callable[[str], str], line: str) -> str:
    converted = convert(line)
    return converted if _differences(line, converted) > _differences(line, back(line)) else line


def _differences(one: str, other: str) -> int:
    return sum(map(str.__ne__, one, other)) + abs(len(one) - len(other))


@cache
def _encoding_fixer() -> Callable[[str], str]:
    try:
        import ftfy
    except ImportError:
        raise UserError("corpus.clean.mojibake: needs pip install ftfy") from None
    config: Any = ftfy.TextFixerConfig(explain=False)

    def fix(line: str) -> str:
        return str(ftfy.fix_encoding(line, config))

    return fix


@cache
def _converter(tables: str) -> Callable[[str], str]:
    try:
        import opencc
    except ImportError:
        raise UserError("corpus.clean.chinese: needs pip install opencc") from None
    converter = opencc.OpenCC(tables)

    def convert(line: str) -> str:
        # Lone surrogates cannot be passed on.
        return str(converter.convert(line.encode("utf-8", "replace").decode()))

    return convert
