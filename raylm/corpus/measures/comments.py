"""Comments in source code, by what begins them in the language that a file's ending names.

A lexer of each language would be exact and slow. Strings are passed over where the language has simple ones, so that `"#fff"` or a
URL is no comment; what remains is right but for rare lines.
"""

import re
from functools import cache

_STRING = r"\"(?:[^\"\\\n]|\\.){0,2000}\"|'(?:[^'\\\n]|\\.){0,2000}'"
_HASH, _SLASHES, _DASHES, _PERCENT, _SEMICOLON = r"#[^\n]*", r"//[^\n]*", r"--[^\n]*", r"%[^\n]*", r";[^\n]*"
# What is never closed is a comment to the end: one look at each character is enough.
_STARS, _ARROWS = r"/\*.*?(?:\*/|\Z)", r"<!--.*?(?:-->|\Z)"
_TRIPLES = r"(?:\"\"\".*?(?:(?<!\\)\"\"\"|\Z)|'{3}.*?(?:(?<!\\)'{3}|\Z))"

_FAMILIES: dict[str, tuple[str, str]] = {
    "py pyi pyx": (rf"^[ \t]*{_TRIPLES}|{_HASH}", f"{_TRIPLES}|{_STRING}"),
    "sh bash zsh rb pl pm r yml yaml toml tcl mk cmake jl nim ex exs dockerfile makefile": (_HASH, _STRING),
    "php": (f"{_SLASHES}|{_HASH}|{_STARS}", _STRING),
    "c h cc cpp cxx hpp hh java js jsx mjs ts tsx go rs swift kt kts cs scala dart m mm groovy proto cu scss less":
        (f"{_SLASHES}|{_STARS}", _STRING),
    "css": (_STARS, _STRING),
    "sql lua hs elm ada vhd vhdl": (_DASHES, _STRING),
    "tex erl hrl sty cls": (rf"(?<!\\){_PERCENT}", r"(?!)"),
    "lisp el scm clj cljs asm s ini rkt": (_SEMICOLON, r"\"(?:[^\"\\\n]|\\.){0,2000}\""),
    "html htm xml xhtml svg vue": (_ARROWS, r"(?!)"),
}
_BY_ENDING = {ending: family for endings, family in _FAMILIES.items() for ending in endings.split()}


@cache
def _pattern(family: tuple[str, str]) -> re.Pattern[str]:
    comment, string = family
    return re.compile(rf"({comment})|{string}", re.DOTALL | re.MULTILINE)


def comment_characters(text: str, path: str) -> int | None:
    """Return how many characters of a file are in comments (in Python docstrings too), None where its ending is not known."""
    name = path.rsplit("/", 1)[-1].lower()
    family = _BY_ENDING.get(name.rsplit(".", 1)[-1])
    return None if family is None else sum(map(len, _pattern(family).findall(text)))
