"""What an extractor is: a page's HTML in, the text that a person would read there out."""

from abc import ABC, abstractmethod


class Extractor(ABC):
    """One way to get the main text. It runs in a child process of its own (see `sandbox.py`), so it may hang, crash and leak."""

    @abstractmethod
    def load(self) -> None:
        """Import what is needed, once, before the first page."""

    @abstractmethod
    def extract(self, html: str) -> str | None:
        """Return the page's main text, or None or blank text if it has none."""
