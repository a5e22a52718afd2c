"""Sentences that occur in a row more than once: what C4 (Raffel et al. 2020, section 2.2) removes all but one of."""

from typing import Any, Literal

from pydantic import Field

from raylm.corpus.steps.base import Corpus, Work
from raylm.corpus.steps.repeated import Repeated


class Sentences(Repeated):
    """Cuts runs of sentences that occurred before, letter for letter, whatever the punctuation, case and white space."""

    do: Literal["sentences"] = "sentences"
    window: int = Field(default=3, ge=1)
    """Sentences in a run. C4's and FineWeb's 3."""
    min_characters: int = Field(default=30, ge=1)
    """Characters without punctuation that a run must have to count, so that `Yes. No. Oh!` stays."""

    def run(self, corpus: Corpus, work: Work) -> dict[str, Any]:
        """Do what `Step.run` says."""
        from raylm.corpus.dedup.repeats import cut_repeats
        from raylm.corpus.dedup.spans import SPLITS, text_spans

        return cut_repeats(self, corpus, work, lambda loaded: text_spans(
            loaded.texts, SPLITS["sentences"], self.window, self.min_characters), "character")
