"""The steps of a corpus. To add one that is no rule: a small file here with a `Step`, and its line in `OTHERS`."""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, SerializeAsAny

from raylm.corpus.rules import RULES
from raylm.corpus.steps.base import Step
from raylm.corpus.steps.decontaminate import Decontaminate
from raylm.corpus.steps.exact import Exact, Url
from raylm.corpus.steps.near import Near
from raylm.corpus.steps.paragraphs import Paragraphs
from raylm.corpus.steps.sentences import Sentences
from raylm.corpus.steps.substrings import Substrings

OTHERS: dict[str, type[Step]] = {
    "exact": Exact,
    "near": Near,
    "substrings": Substrings,
    "sentences": Sentences,
    "paragraphs": Paragraphs,
    "decontaminate": Decontaminate,
    "url": Url,
}
STEPS: dict[str, type[Step]] = {**RULES, **OTHERS}
"""By the recipe's `do`."""

if TYPE_CHECKING:
    AnyStep = SerializeAsAny[Step]
else:
    AnyStep = Annotated[reduce(or_, STEPS.values()), Field(discriminator="do")]

__all__ = ["OTHERS", "STEPS", "AnyStep"]
