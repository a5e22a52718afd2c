"""The line rules of C4: which lines of a page are kept. The option `clean.c4_lines` changes a source's texts by them; the page
rules of C4 judge what these would leave, and change nothing.

Raffel et al. 2020, section 2.2, in the order and with the additions of its reference code (`c4_utils.py` of TensorFlow Datasets):
citations are removed, a line with a word of more than 1,000 characters goes, and so does one that speaks of cookies or terms.
"""

import re
from dataclasses import dataclass

from raylm.corpus.segmenters import UNSPACED

_UNSPACED = re.compile(f"[{UNSPACED}\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff]")
"""Besides those of the segmenters Lao, Burmese and Khmer."""
_CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")
_POLICIES = re.compile("terms of use|privacy policy|cookie policy|uses cookies|use of cookies|use cookies")


@dataclass(frozen=True)
class LineRules:
    """The bounds on a line. White space separates its words."""

    marks: str = ".?!\"'"
    """A line must end with one of these, and not with `...`; empty switches it off, as FineWeb does."""
    min_words: int = 3
    max_word: int = 1_000
    """Characters."""

    def kept(self, text: str) -> list[str]:
        """Return the lines that stay, stripped, without citations."""
        marks = frozenset(self.marks)
        lines = []
        for raw in text.splitlines():
            line = raw.strip()
            if len(line.split(None, self.min_words)) < self.min_words:
                continue
            if len(line) > self.max_word and max(map(len, line.split())) > self.max_word:
                continue
            if "[" in line:
                line = _CITATION.sub("", line)
            if marks and (line[-1:] not in marks or line.endswith("...")):
                continue
            lines.append(line)
        return lines


STANDARD = LineRules()
"""As published."""


def is_boilerplate(line: str) -> bool:
    """Tell whether a line in lower case asks for JavaScript or speaks of cookies, privacy or terms."""
    return "javascript" in line or _POLICIES.search(line) is not None


def is_spaced(text: str) -> bool:
    """Tell whether white space parts the words of a text: whether it has more pieces between white space than characters of scripts
    that put none between words."""
    return text.isascii() or len(_UNSPACED.findall(text)) <= len(text.split())


def c4_lines(text: str, rules: LineRules = STANDARD) -> str:
    """Return the lines of a text that C4 keeps; empty if there are none, else ending with one newline."""
    lines = [line for line in rules.kept(text) if not is_boilerplate(line.lower())]
    return "\n".join(lines) + "\n" if lines else ""
