"""How often the words of a list occur."""

from dataclasses import dataclass
from functools import cache

from raylm.corpus.document import Document
from raylm.corpus.measures.each import Each, Figure, share
from raylm.corpus.text import TextView


@dataclass(frozen=True)
class Keywords(Each):
    """`keywords`: occurrences of the listed words and phrases, whatever their case, as whole words; in scripts without spaces
    anywhere. `keyword_share`: the same, divided by the words.
    """

    listed: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """Return the columns."""
        return ("keywords", "keyword_share")

    def figures(self, document: Document) -> tuple[Figure, ...]:
        """Return the figures of one document."""
        shared: dict[str, str] = {}  # as those of the view, equal ones are one string
        tokens = [shared.setdefault(token, token) for token in map(str.casefold, document.view.tokens)]
        count = 0
        for length, phrases in _phrases(self.listed).items():
            if length == 1:
                singles = {phrase[0] for phrase in phrases}
                count += sum(token in singles for token in tokens)
            else:
                begins = {phrase[0] for phrase in phrases}
                count += sum(tuple(tokens[at:at + length]) in phrases for at, token in enumerate(tokens) if token in begins)
        return float(count), share(count, len(tokens))


@cache
def _phrases(listed: tuple[str, ...]) -> dict[int, frozenset[tuple[str, ...]]]:
    """Return the phrases as tuples of tokens, by their number of tokens."""
    split = {tuple(TextView(phrase.casefold()).tokens) for phrase in listed}
    lengths = sorted({len(phrase) for phrase in split} - {0})
    return {length: frozenset(phrase for phrase in split if len(phrase) == length) for length in lengths}
