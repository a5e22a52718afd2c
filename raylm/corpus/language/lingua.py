"""Lingua with its smaller models: trigrams of 75 languages; 1,200 sentences a second. A package of 96 MB, so not a default voice.

(P. M. Stahl, https://github.com/pemistahl/lingua.)
"""

from functools import cache
from typing import Any

import numpy as np

from raylm.corpus.language.base import Evidence, Identifier
from raylm.corpus.language.codes import LANGUAGES, position


@cache
def _model() -> Any:
    from lingua import LanguageDetectorBuilder

    return LanguageDetectorBuilder.from_all_languages().with_low_accuracy_mode().build()


class Lingua(Identifier):
    """Its own confidence values."""

    name = "lingua"
    package = "lingua-language-detector"
    floor = 0.1
    """Share of doubt, spread over all languages."""

    def evidence(self, text: str) -> Evidence | None:
        """Return its confidences, smoothed."""
        shares = np.full(len(LANGUAGES), np.nan)
        for found in _model().compute_language_confidence_values(text):
            place = position(found.language.iso_code_639_1.name.lower())
            if place is not None:
                shares[place] = found.value
        if not np.nansum(shares):
            return None
        return np.log((1 - self.floor) * shares + self.floor / len(LANGUAGES))
