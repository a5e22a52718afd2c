"""The language of texts: a fast identifier for all, a vote of several where one alone is not to be trusted.

CLD2 reads at 10 to 20 MB/s and is right on long clean text, so a document of a few hundred letters, mostly in one language that has
no neighbour easily taken for it, is decided by CLD2 alone; the score is that share. All else (short text, near languages, strange
text) goes to the vote, on a bounded excerpt. Both together are faster than 2,000 web documents a second on one core.
"""

import unicodedata
from collections.abc import Sequence
from functools import cache

from raylm.corpus.language import cld2
from raylm.corpus.language.base import Identifier
from raylm.corpus.language.codes import INDEX, twins
from raylm.corpus.language.langid import Langid
from raylm.corpus.language.lid176 import Lid176
from raylm.corpus.language.lingua import Lingua
from raylm.corpus.language.markers import Markers
from raylm.corpus.language.vote import combine
from raylm.errors import UserError

IDENTIFIERS: dict[str, type[Identifier]] = {
    "cld2": cld2.Cld2,
    "langid": Langid,
    "markers": Markers,
    "lid176": Lid176,
    "lingua": Lingua,
}
"""All identifiers by name. The first three come with raylm."""

VOTE = ("cld2", "langid", "markers")
"""The default: the best accuracy that costs no large package."""
FAST = ("cld2",)
"""CLD2 alone: about ten times as fast, some two points less accurate on single sentences."""

EXCERPT = 2_000
"""Characters of a document that are looked at, from `PIECES` places in it: a document in two languages must show both."""
PIECES = 4
_WORD = 25
"""Characters in which a blank is looked for at a cut."""
VOTE_EXCERPT = 400
"""Characters that the slower identifiers read."""
_LONG = 250
"""Bytes of letters from which on CLD2 may decide alone. On the Declaration of Human Rights, in pieces of 200 characters and more,
it was never wrong where the next conditions held too."""
_MAIN = 0.5
"""Share of the text that must be of one language for that. Below it the text is too mixed, or too strange, for CLD2."""
_LETTERS = 0.4
"""Share of letters among what is not white space below which a text is none: tables, numbers, markup."""


def identify(texts: Sequence[str], members: Sequence[str] = VOTE) -> tuple[list[str], list[float]]:
    """Return each text's language, ISO 639-1 (Norwegian as `nb` or `nn`), and a score from 0 to 1.

    The score is the probability that it is right, or of a longer text the share that is in this language.

    "" with score 0 where no language can be told: no letters, mostly digits and symbols, or a script of no known language.
    Deterministic; a text's answer depends on no other text. Programming languages are not recognised: most code looks English.

    Args:
        texts: of any length; of a long one `EXCERPT` characters are read, a quarter of them from each quarter.
        members: names in `IDENTIFIERS`; `VOTE` or `FAST`, or with optional ones (`lid176`, `lingua`) added.

    Raises:
        UserError: for an unknown identifier, or one whose package is not installed.
    """
    voices = _voices(tuple(members))
    found = [_identify(excerpt(text, EXCERPT), voices) for text in texts]
    return [language for language, _ in found], [score for _, score in found]


def excerpt(text: str, size: int) -> str:
    """Return `size` characters at most: the text itself, or the middles of its quarters, of whole words where there are blanks."""
    if len(text) <= size:
        return text
    length, quarter = size // PIECES, len(text) // PIECES
    starts = (number * quarter + (quarter - length) // 2 for number in range(PIECES))
    return "\n".join(_whole_words(text[start:start + length]) for start in starts)


def _whole_words(cut: str) -> str:
    head, tail = cut.find(" ", 0, _WORD), cut.rfind(" ", len(cut) - _WORD)
    return cut[head + 1:tail if tail > 0 else None]


@cache
def _voices(members: tuple[str, ...]) -> tuple[Identifier, ...]:
    unknown = [name for name in members if name not in IDENTIFIERS]
    if unknown or not members:
        raise UserError(f"language identifiers: {', '.join(unknown) or 'none'} given, known are {', '.join(IDENTIFIERS)}")
    voices = tuple(IDENTIFIERS[name]() for name in members)
    for voice in voices:
        try:
            voice.evidence("The first question loads the model.")
        except ImportError:
            raise UserError(f"language identifier {voice.name}: needs pip install {voice.package or voice.name}") from None
    return voices


def _identify(text: str, voices: Sequence[Identifier]) -> tuple[str, float]:
    finding = cld2.find(text)
    if finding.bytes < _LETTERS * len(text.encode(errors="replace")) and not _is_text(text):
        return "", 0.0
    if _enough(finding):
        return finding.languages[0]
    if len(voices) == 1 and isinstance(voices[0], cld2.Cld2):
        return next(((code, share) for code, share in finding.languages if code in INDEX), ("", 0.0))
    short = excerpt(text, VOTE_EXCERPT)
    return combine([
        (voice, voice.of(finding) if isinstance(voice, cld2.Cld2) else voice.evidence(short)) for voice in voices
    ])


def _is_text(text: str) -> bool:
    """For where CLD2 counts few letters, which may also be because it leaves out what repeats itself."""
    dense = "".join(text.split())
    letters = sum(unicodedata.category(character)[0] in "LM" for character in dense)
    return letters > _LETTERS * len(dense)


def _enough(finding: cld2.Finding) -> bool:
    if not (finding.reliable and finding.bytes >= _LONG):
        return False
    language, share = finding.languages[0]
    return share >= _MAIN and language in INDEX and len(twins(language)) == 1
