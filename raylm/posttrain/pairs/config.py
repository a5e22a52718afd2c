"""Which pairs are taken from the corpus, and how many."""

from pydantic import Field, field_validator

from raylm.recipe.section import Section


class PairsConfig(Section):
    """The pairs of post-training."""

    kind: str = "auto"
    """Where pairs come from: `functions` (Python signatures and summaries), `continuations` (paragraphs of any text cut
    in two), or `auto`: functions if the corpus gives at least `enough` of them to train on, else continuations."""
    enough: int = Field(200, ge=1)
    """Training pairs of functions below which `auto` takes continuations."""
    limit: int = Field(50_000, ge=1)
    """Most pairs to train on. Those with the lowest content hash are kept: a fair sample, the same at every making."""
    heldout_limit: int = Field(2_000, ge=1)
    """Most held-out pairs, which only measure."""
    read_megabytes: int = Field(256, ge=1)
    """Corpus text that is searched for pairs, in 10^6 bytes. A larger corpus is sampled by the hash of its files' ids;
    one core parses about 1.5 megabytes in a second."""

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        from raylm.posttrain.pairs.kinds import KINDS

        if kind not in ("auto", *KINDS):
            raise ValueError(f"one of auto, {', '.join(KINDS)}")
        return kind
