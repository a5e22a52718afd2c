"""Documents with words of a list: bad words as in C4 (Raffel et al. 2020), a topic that should stay out, boilerplate."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from raylm.corpus.measures.base import Measure
from raylm.corpus.measures.keywords import Keywords
from raylm.corpus.rules.base import Bound, Rule
from raylm.corpus.rules.lists import entries


class KeywordsRule(Rule):
    """Bounds on the occurrences of listed words and phrases, whatever their case: whole words, and anywhere in scripts without
    spaces."""

    do: Literal["keywords"] = "keywords"
    """Words of a list."""
    name: str = "keywords"
    """What the reason calls them."""
    words: tuple[str, ...] = ()
    """The words and phrases."""
    lists: tuple[str, ...] = ()
    """Files with more of them, one a line; `#` begins a comment."""
    max: int = Field(default=0, ge=0)
    """Most occurrences."""
    max_share: float | None = Field(default=None, ge=0)
    """Most occurrences for each word of the document (a character of Chinese, Japanese or Thai counts as a word); by default
    any."""

    @model_validator(mode="after")
    def _some(self) -> "KeywordsRule":
        if not self.words and not self.lists:
            raise ValueError("`words` or `lists`, with the words to look for")
        return self

    def files(self, stage: str) -> tuple[str, ...]:
        """Return the lists, which the measure looks for."""
        return self.lists if stage == "read" else ()

    def measures(self) -> tuple[Measure, ...]:
        """Return the count of these words."""
        return (self._measure(),)

    def bounds(self) -> Sequence[Bound]:
        """Return `NAME found` and `too many NAME`."""
        measure = self._measure()
        share = (Bound(measure.named("keyword_share"), f"too many {self.name}", "max_share", most=self.max_share),)
        return (Bound(measure.named("keywords"), f"{self.name} found", "max", most=self.max),
                *(share if self.max_share is not None else ()))

    def _measure(self) -> Keywords:
        listed = {*self.words, *(word for path in self.lists for word in entries(path))}
        return Keywords(tuple(sorted(listed)))
