"""What a rule is: thresholds, and one method that answers "keep" (None) or the reason to remove. Reasons are fixed phrases: they
become the statistics of the report.
"""

from abc import abstractmethod

from raylm.corpus.sources.base import Content
from raylm.corpus.statistics import TextStatistics
from raylm.recipe.section import Section


class Rule(Section):
    """A quality rule. Its fields are its thresholds."""

    enabled: bool = True
    """Whether the rule is applied."""

    @abstractmethod
    def reason(self, text: str, counts: TextStatistics, content: Content) -> str | None:
        """Return why the document should go, or None to keep it."""
