"""All the text that a page shows, menus and footers too: for pages that are text from edge to edge, such as documentation and
books."""

from typing import Any

from raylm.corpus.extract.base import Extractor


class Visible(Extractor):
    """The page without its tags, scripts and styles."""

    _extract: Any = None

    def load(self) -> None:
        """Import resiliparse, whose parser this takes."""
        from resiliparse.extract.html2text import extract_plain_text

        self._extract = extract_plain_text

    def extract(self, html: str) -> str | None:
        """Return the visible text, a block on each line."""
        return str(self._extract(html, main_content=False, alt_texts=False, list_bullets=True))
