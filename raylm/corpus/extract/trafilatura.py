"""Main text by trafilatura (Barbaresi, ACL 2021, "Trafilatura: A Web Scraping Library and Command-Line Tool for Text Discovery and
Extraction"): the best of the open extractors, and the default.
"""

from typing import Any

from raylm.corpus.extract.base import Extractor


class Trafilatura(Extractor):
    """Trafilatura without comments, which are seldom what a page is about."""

    _extract: Any = None

    def load(self) -> None:
        """Import trafilatura, which takes half a second."""
        import trafilatura

        self._extract = trafilatura.extract

    def extract(self, html: str) -> str | None:
        """Return the main text, a paragraph on each line."""
        text = self._extract(html, include_comments=False, favor_precision=True)
        return str(text) if text else None
