"""Documents that are nearly equal: MinHash finds candidates, true Jaccard similarity decides (`near`)."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from raylm.corpus.dedup.measure import Signature
from raylm.corpus.measures.base import Measure
from raylm.corpus.steps.base import Corpus, Step, Work
from raylm.recipe.section import resource


class Near(Step):
    """Removes near-duplicates: documents whose sets of shingles have at least a given Jaccard similarity with one that stays.

    Candidates come from MinHash-LSH (Broder 1997; Leskovec et al., Mining of Massive Datasets, chapter 3) and its connected
    components.
    """

    do: Literal["near"] = "near"
    threshold: float = Field(default=0.8, gt=0.3, lt=1)
    """Jaccard similarity of shingle sets from which a document is a duplicate. FineWeb aims at 0.75."""
    verify: bool = True
    """Whether the true similarity is measured before anything is removed. Without it whole components go, chains and all."""
    permutations: int = Field(default=128, ge=16, le=512)
    """Hash functions in a MinHash signature: more is a sharper threshold at more cost."""
    bands: int = Field(default=0, ge=0, le=512)
    """Bands that a signature is cut into; 0 takes what datasketch finds best for the threshold: with `verify` so that little is
    missed, without it so that both errors are alike. Needs `band_rows`."""
    band_rows: int = Field(default=0, ge=0, le=512)
    """Values in a band, with `bands`. FineWeb has 14 bands of 8."""
    shingle: int = Field(default=5, ge=1, le=20)
    """Words in a shingle (characters where script is not spaced); FineWeb's 5."""
    min_shingles: int = Field(default=10, ge=1)
    """Documents with fewer distinct shingles are left to the exact step: tiny ones look alike by accident."""
    keep_by: str = ""
    """Which of a cluster stays: the best by this column (a measure or a model's score); by default, and among equally good ones,
    that of the source with the higher priority, then the smaller id."""
    keep: Literal["high", "low"] = "high"
    """Whether a high value of `keep_by` is the better one."""
    against: tuple[str, ...] = ()
    """Earlier corpora, each a run's folder or a corpus artifact's: what resembles one of theirs is removed from this one."""
    most_representatives: int = Field(default=64, ge=1)
    """Documents of one cluster that stay and are compared with, at most; what is like none of them stays too."""
    largest_group: int = Field(default=20_000, ge=2)
    """Candidates of one component that are compared in one go. A larger component is cut by a hash of its documents, and its
    preferred one is in each piece; so no worker holds a hot one whole, at the price of a few copies more."""
    edges_in_one_task: int = resource(4_000_000, ge=0)
    """Pairs up to which one task finds the clusters (16 bytes each, four times that in memory); above, rounds of shuffles do."""
    rows_in_one_task: int = resource(2_000_000, ge=0)
    """Pairs of duplicates up to which one task hands them out (about 150 bytes each), bands of documents up to which one finds the
    candidates (24 bytes each), and a hundredth of it the candidates up to which one compares them (if they have 128 MiB of text at
    most); above, shuffles do, with the same result."""

    @model_validator(mode="after")
    def _bands_fit(self) -> Self:
        if bool(self.bands) != bool(self.band_rows):
            raise ValueError("`bands` and `band_rows` together, or neither")
        if self.bands * self.band_rows > self.permutations:
            raise ValueError(f"{self.bands} bands of {self.band_rows} rows: allowed: {self.permutations} values together "
                             "(`permutations`)")
        return self

    def signature(self) -> Signature:
        """Return the measure of the signatures."""
        return Signature(self.permutations, self.shingle)

    def measures(self) -> tuple[Measure, ...]:
        """Return the signature."""
        return (self.signature(),)

    def files(self, stage: str) -> tuple[str, ...]:
        """Return the earlier corpora."""
        return self.against if stage == "corpus" else ()

    def banding(self) -> tuple[int, int]:
        """Return (bands, rows in each)."""
        if self.bands:
            return self.bands, self.band_rows
        from raylm.corpus.dedup.signatures import bands_and_rows

        # A false candidate that is compared costs a comparison, a missed one stays for good: at 0.8, 95 of 100 are found then,
        # not 40.
        return bands_and_rows(self.threshold, self.permutations, 0.95 if self.verify else 0.5)

    def run(self, corpus: Corpus, work: Work) -> dict[str, Any]:
        """Do what `Step.run` says."""
        from raylm.corpus.dedup.near import remove_near

        return remove_near(self, corpus, work)
