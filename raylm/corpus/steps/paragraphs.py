"""Lines or paragraphs that occur more than once: menus, notices, signatures (CCNet, Wenzek et al. 2020, section 3.1)."""

from typing import Any, Literal

from pydantic import Field

from raylm.corpus.steps.base import Corpus, Work
from raylm.corpus.steps.repeated import Repeated


class Paragraphs(Repeated):
    """Cuts paragraphs or lines that occurred before, letter for letter, whatever the punctuation, case and white space."""

    do: Literal["paragraphs"] = "paragraphs"
    unit: Literal["line", "paragraph"] = "paragraph"
    """What is compared: lines, as CCNet does, or what is between empty lines."""
    min_characters: int = Field(default=30, ge=1)
    """Characters without punctuation that one must have to count."""

    def run(self, corpus: Corpus, work: Work) -> dict[str, Any]:
        """Do what `Step.run` says."""
        from raylm.corpus.dedup.repeats import cut_repeats
        from raylm.corpus.dedup.spans import SPLITS, text_spans

        return cut_repeats(self, corpus, work, lambda loaded: text_spans(
            loaded.texts, SPLITS[f"{self.unit}s"], 1, self.min_characters), "character")
