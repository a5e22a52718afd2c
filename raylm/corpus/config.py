"""The recipe's `corpus` section: sources, rules, masks, duplicate removal, and how many partitions the result has."""

from pydantic import Field, field_validator

from raylm.corpus.dedup.config import DedupConfig
from raylm.corpus.masks import MasksConfig
from raylm.corpus.rules import RulesConfig
from raylm.corpus.sources.config import SourceConfig
from raylm.recipe.section import Section, resource

__all__ = ["CorpusConfig", "DedupConfig", "MasksConfig", "RulesConfig", "SourceConfig"]

_FEWEST, _MOST = 8, 65_536
_PARTITION_BYTES = 100_000_000
"""Text in a partition by default. The address of a corpus knows the files' sizes, and not this: another value is another version
of the stage."""


class CorpusConfig(Section):
    """How raw files become clean documents."""

    sources: list[SourceConfig] = Field(min_length=1, max_length=127)
    """Where documents come from. Earlier sources keep what several have, unless `priority` says otherwise."""
    rules: RulesConfig = RulesConfig()
    """Quality rules; each removed document has its rule's reason."""
    mask: MasksConfig = MasksConfig()
    """Personal data that is replaced by placeholders."""
    dedup: DedupConfig = DedupConfig()
    """Exact and near-duplicate removal."""
    partitions: int | None = Field(default=None, ge=1, le=_MOST)
    """Files that the documents are spread over by a hash of their id. One must fit in a worker's memory: about 200 MB of text. By
    default one for each 100 MB of text found, and at least 8."""
    read_block_bytes: int = resource(2_000_000, ge=1)
    """Bytes of files that one reading task takes."""
    batch_documents: int = resource(256, ge=1)
    """Documents that a reading task holds at a time."""

    @field_validator("sources")
    @classmethod
    def _distinct_names(cls, sources: list[SourceConfig]) -> list[SourceConfig]:
        names = [source.name for source in sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"sources with different names ({', '.join(twice)} is there twice)")
        return sources

    def partitions_for(self, text_bytes: int) -> int:
        """Return `partitions`, or where the recipe leaves it open the number for so many bytes of text.

        It depends on nothing else, least of all on the number of workers: which document is in which file is part of the artifact.
        """
        return self.partitions or min(max(_FEWEST, -(-text_bytes // _PARTITION_BYTES)), _MOST)

    def ranks(self) -> list[int]:
        """Return each source's rank, 0 first, in the order of `sources`: by priority (default its position), then position."""
        def key(position: int) -> tuple[int, int]:
            priority = self.sources[position].priority
            return (position if priority is None else priority, position)

        order = sorted(range(len(self.sources)), key=key)
        return [order.index(position) for position in range(len(order))]
