"""The settings of duplicate removal."""

from pydantic import Field

from raylm.recipe.section import Section, resource


class DedupConfig(Section):
    """Exact and near duplicates, across all sources."""

    enabled: bool = True
    """Whether duplicates are removed."""
    near: bool = True
    """Whether near duplicates are removed too, or only exact ones (equal but for white space)."""
    threshold: float = Field(default=0.8, gt=0.3, lt=1)
    """Jaccard similarity of shingle sets at which two documents should be found. FineWeb aims at 0.75."""
    permutations: int = Field(default=128, ge=16, le=512)
    """Hash functions in a MinHash signature: more is a sharper threshold at more cost."""
    shingle: int = Field(default=5, ge=1, le=20)
    """Words in a shingle (characters where script is not spaced); FineWeb's 5."""
    min_shingles: int = Field(default=10, ge=1)
    """Documents with fewer distinct shingles are compared exactly only: tiny ones look alike by accident."""
    edges_in_one_task: int = resource(20_000_000, ge=0)
    """Pairs up to which one task finds the clusters (16 bytes each, four times that in memory); above, rounds of shuffles do."""
