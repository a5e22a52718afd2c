"""Which language a text is in: several identifiers that vote, at the level of documents and of lines.

`identify` answers for texts, `Language` makes columns of documents; `identify.IDENTIFIERS` is where another identifier is added.
"""

from raylm.corpus.language.codes import FURTHER, LANGUAGES, TRIED
from raylm.corpus.language.identify import FAST, IDENTIFIERS, VOTE, identify
from raylm.corpus.language.lines import language_share
from raylm.corpus.language.measure import Language

__all__ = ["FAST", "FURTHER", "IDENTIFIERS", "LANGUAGES", "TRIED", "VOTE", "Language", "identify", "language_share"]
