"""The quality rules. To add one: a small file here with a `Rule`, and its field in `RulesConfig`, in whose order they are asked."""

from raylm.corpus.rules.base import Rule
from raylm.corpus.rules.characters import CharactersRule
from raylm.corpus.rules.comments import CommentsRule
from raylm.corpus.rules.generated import GeneratedRule
from raylm.corpus.rules.length import LengthRule
from raylm.corpus.rules.lines import LinesRule
from raylm.corpus.rules.repetition import RepetitionRule
from raylm.corpus.sources.base import Content
from raylm.corpus.statistics import TextStatistics
from raylm.recipe.section import Section

__all__ = ["Rule", "RulesConfig"]


class RulesConfig(Section):
    """The rules and their thresholds; the first that objects gives the reason."""

    length: LengthRule = LengthRule()
    """Too short, too long."""
    comments: CommentsRule = CommentsRule()
    """Code files without code."""
    lines: LinesRule = LinesRule()
    """Lines that are too long."""
    characters: CharactersRule = CharactersRule()
    """Too few letters, encoded data."""
    repetition: RepetitionRule = RepetitionRule()
    """Repeated lines."""
    generated: GeneratedRule = GeneratedRule()
    """Files that a program wrote."""

    def reason(self, text: str, counts: TextStatistics, content: Content) -> str | None:
        """Return the first enabled rule's reason to remove the document, or None to keep it."""
        for name in type(self).model_fields:
            rule: Rule = getattr(self, name)
            if rule.enabled and (reason := rule.reason(text, counts, content)):
                return reason
        return None
