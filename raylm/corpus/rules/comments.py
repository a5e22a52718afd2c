"""Source files without source: a licence header over an empty `__init__.py` is neither code nor a licence worth keeping."""

import re

from raylm.corpus.rules.base import Rule
from raylm.corpus.sources.base import Content
from raylm.corpus.statistics import TextStatistics

_CODE_LINE = re.compile(r"^[ \t]*(?!#|//|/?\*|--|;)\S", re.MULTILINE)


class CommentsRule(Rule):
    """Removes code files in which every line is a line comment."""

    def reason(self, text: str, counts: TextStatistics, content: Content) -> str | None:
        """Return `only comments` or None."""
        return "only comments" if content == "code" and not _CODE_LINE.search(text) else None
