"""Compact Language Detector 2: quadgrams and words looked up in a table, for 83 languages and more; 70,000 sentences a second.

It names up to three languages with their shares of the text. (D. Sites, Compact Language Detector 2, 2013.)
"""

import math
import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from raylm.corpus.language.base import Evidence, Identifier
from raylm.corpus.language.codes import ALIASES, CLOSEST, INDEX, LANGUAGES

_REFUSED = re.compile("[^\t\n\r -~\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Finding:
    """What it says of a text."""

    languages: tuple[tuple[str, float], ...] = ()
    """Our code, or its own where we do not tell that language, and the share of the text, largest first."""
    reliable: bool = False
    """Whether it trusts the first of them."""
    bytes: int = 0
    """Bytes of letters that it looked at."""


NOTHING = Finding()


def find(text: str) -> Finding:
    """Return the languages of a text of any length. It looks at the whole of it, at about 20 MB/s."""
    import pycld2

    try:
        reliable, size, details = pycld2.detect(text, isPlainText=True, bestEffort=True)
    except (pycld2.error, UnicodeEncodeError):  # it refuses control characters, non-characters and lone surrogates
        try:
            reliable, size, details = pycld2.detect(_REFUSED.sub(" ", text), isPlainText=True, bestEffort=True)
        except (pycld2.error, UnicodeEncodeError):
            return NOTHING
    found = tuple((ALIASES.get(code, code), percent / 100) for _, code, percent, _ in details if code != "un" and percent)
    return Finding(found, reliable, size) if found else NOTHING


def _leaks() -> NDArray[np.float64]:
    leaks = np.eye(len(LANGUAGES))
    for group in CLOSEST:
        places = [INDEX[code] for code in group]
        leaks[np.ix_(places, places)] = _LEAK / (len(group) - 1)
        leaks[places, places] = 1 - _LEAK
    return leaks


_LEAK = 0.45
"""Share of what it gives one of the closest languages that belongs to the others of the group."""
_LEAKS = _leaks()


class Cld2(Identifier):
    """Shares as probabilities, smoothed by how far it can be trusted: little for short text, less among the closest languages."""

    name = "cld2"
    trust: ClassVar[float] = -1.0
    """Log-odds that it is right on 64 bytes of letters."""
    growth: ClassVar[float] = 2.0
    """By how much these grow with the logarithm of the bytes."""

    def evidence(self, text: str) -> Evidence | None:
        """Return the logarithm of the smoothed shares."""
        return self.of(find(text))

    def of(self, finding: Finding) -> Evidence | None:
        """Return the evidence in what was found."""
        shares = np.zeros(len(LANGUAGES))
        for code, share in finding.languages:
            if code in INDEX:
                shares[INDEX[code]] += share
        if not shares.any():
            return None
        odds = self.trust + self.growth * math.log(max(finding.bytes, 1) / 64)
        doubt = 1 / (1 + math.exp(min(odds, 20.0)))
        evidence: Evidence = np.log((1 - doubt) * (shares / shares.sum() @ _LEAKS) + doubt / len(LANGUAGES))
        return evidence
