"""Words as the models see them: lower case, marks apart, and text of unspaced scripts a character at a time.

Here and not shared with the rules: a trained model is good only for the words that it was trained on, so how the rules count words
may change without it.
"""

import re

UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
"""Thai, Lao, Burmese, Khmer, kana and Chinese characters, for a character class of a regular expression."""
_WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+|[^\w\s\x00]+")
_WORD_OR_LINE = re.compile(rf"\n|[{UNSPACED}]|[^\W{UNSPACED}]+|[^\w\s\x00]+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")


def words(text: str) -> list[str]:
    """Return the words of a text: runs of letters, digits and underscores, single characters of unspaced scripts, runs of marks."""
    return _WORD.findall(text.lower())


def words_and_lines(text: str) -> list[str]:
    """Return the same, with a line feed wherever the text has one."""
    return _WORD_OR_LINE.findall(text.lower())


def sentences(text: str) -> list[str]:
    """Return the sentences of a text: up to a mark that ends one (and a space where the script is spaced), or a line's end."""
    return [sentence for part in _SENTENCE.split(text) if (sentence := part.strip())]
