"""From HTML to text. To add a way: a small file here with an `Extractor`, and its line in `EXTRACTORS`."""

from raylm.corpus.extract.base import Extractor
from raylm.corpus.extract.resiliparse import Resiliparse
from raylm.corpus.extract.trafilatura import Trafilatura
from raylm.corpus.extract.visible import Visible

EXTRACTORS: dict[str, type[Extractor]] = {
    "trafilatura": Trafilatura,
    "resiliparse": Resiliparse,
    "visible": Visible,
}

__all__ = ["EXTRACTORS", "Extractor"]
