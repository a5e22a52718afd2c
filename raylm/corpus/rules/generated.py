"""Source files that a program wrote and says so at the top: protocol stubs, parser tables, character maps."""

from collections.abc import Sequence
from typing import Literal

from raylm.corpus.measures.base import Measure
from raylm.corpus.measures.source_code import SourceCode
from raylm.corpus.rules.base import Bound, Rule


class GeneratedRule(Rule):
    """Removes code whose first comment lines carry a generator's mark."""

    do: Literal["generated"] = "generated"
    """Files that a program wrote."""

    def measures(self) -> tuple[Measure, ...]:
        """Return what is known of code."""
        return (SourceCode(),)

    def bounds(self) -> Sequence[Bound]:
        """Return `generated file`; there is no threshold to set."""
        return (Bound("generated", "generated file", "do", most=0),)
