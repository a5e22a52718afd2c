"""Passages that occur twice, wherever they begin: the exact substring deduplication of Lee et al. 2022, "Deduplicating Training
Data Makes Language Models Better", without its suffix array, so without its single machine.
"""

from typing import Any, Literal

from pydantic import Field

from raylm.corpus.steps.base import Corpus, Work
from raylm.corpus.steps.repeated import Repeated


class Substrings(Repeated):
    """Cuts passages of at least `length` bytes that occur twice.

    With `keep: first` each byte that goes was part of a window of `length` bytes that occurred before. So of every repeated passage
    all stays once, though its parts may stay in different documents; and text of a short period (`aaaa...`) shrinks to one period.
    """

    do: Literal["substrings"] = "substrings"
    length: int = Field(default=100, ge=16, le=100_000)
    """UTF-8 bytes from which a passage counts (a Chinese character has three). Lee et al. take 50 tokens."""
    borders: Literal["character", "word", "sentence", "line"] = "word"
    """What is never cut in the middle: ranges shrink to whole ones of these. Characters never are."""

    def run(self, corpus: Corpus, work: Work) -> dict[str, Any]:
        """Do what `Step.run` says."""
        from raylm.corpus.dedup.substrings import cut_substrings

        return cut_substrings(self, corpus, work)
