"""Telephone numbers. Anywhere: grouped digits after a `+` and country code, the North American (ddd) ddd-dddd, and ddd-ddd-dddd
after a word such as *phone*. In prose also any grouping of 7 to 15 digits, if the words around it speak of telephones.

Without such words anything looser takes versions, dates, identifiers and arithmetic with it, so code gets the first three only.
"""

import re
from collections.abc import Iterator

from raylm.corpus.masks.base import Mask, Scan, Span

_EXTENSION = r"(?: ?(?:x|ext\.?) ?[0-9]{1,6})?"
_INTERNATIONAL = re.compile(
    r"(?<![A-Za-z0-9_+*/.)\]-])\+(?![12][0-9]{3}-[0-9]{2}-[0-9]{2})[1-9][0-9]{0,2}[ .-]?"
    r"(?:\([0-9]{1,4}\)[ .-]?)?[0-9]{1,5}(?:[ .-][0-9]{2,8}){1,4}"
    + _EXTENSION
    + r"(?![A-Za-z0-9_\[]|[.-]\d)"
)
_AREA_IN_BRACKETS = re.compile(
    r"(?<![A-Za-z0-9_(.\]])(?:\+?1[ .-]?)?\([2-9][0-9]{2}\) ?[2-9][0-9]{2}[ .-][0-9]{4}" + _EXTENSION + r"(?![A-Za-z0-9_\[]|[.-]\d)"
)
_GROUPED = re.compile(r"(?:\+?1[ .-])?[2-9][0-9]{2}[ .-][2-9][0-9]{2}[ .-][0-9]{4}" + _EXTENSION + r"(?![A-Za-z0-9_\[]|[.-]\d)")
_NAME_BEFORE = re.compile(
    r"(?:phone|telephone|tel|mobile|cell|fax|call)(?: (?:number|us at|no))?[.:\"'= ]{1,5}$", re.IGNORECASE
)

# Groups part at a sign or a bracket, never at nothing: so there is one way to read a run, and no backtracking.
_LOOSE = re.compile(
    r"(?<![A-Za-z0-9_\]/.+*=-])(?<![0-9] )\+?(?:\(\+?[0-9]{1,5}\)|[0-9]{1,15})"
    r"(?:[ .\-/]?\([0-9]{1,4}\)|(?:[ .\-/]|(?<=\)) ?)[0-9]{1,12}){0,6}"
    + _EXTENSION
    + r"(?![A-Za-z0-9_\[]|[.\-/][0-9])"
)
def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What stands right before a number and names it, alone or with `number`, `no` or `is`; words with other senses need a colon.
_LABELS = _words(
    "phone phones telephone cellphone smartphone tel mobile mob fax telefax hotline whatsapp handy telefon telefono teléfono"
    " telefone téléphone tél portable móvil movil celular"
)
_LABELS_WITH_COLON = _words("cell call ph desk office home work contact number")
_LINKS = _words("number num no nr is at")
# What is done with a telephone, some words before, with the number as its object (`please call me at`).
_DOING = _words(
    "call calls calling dial ring text texts sms message messages answering reach reached phone phoned mobile cell fax contact"
    " contacted"
)
_OBJECT = _words("at on to number registered")
_CHINESE = re.compile("(?:电话|電話|手机|手機|热线|熱線|传真|傳真|联系方式|聯繫方式|致电|致電|拨打|撥打|座机|来电)[^0-9\n。]{0,8}$")
_COLON = frozenset(":#")
_WORD = re.compile(r"[^\W\d_]+")
_SENTENCE_END = re.compile(r"[!?\n]|\.(?=\s+\S)|[0-9]")
_AFTER = re.compile(r"[ \-,(]{1,2}(?:office|fax|mobile|cell|home|work|phone|desk)\b", re.IGNORECASE)
_DATE = re.compile(
    r"[12][0-9]{3}([-./ ])[0-9]{1,2}\1[0-9]{1,2}|[0-9]{1,2}([-./ ])[0-9]{1,2}\2[12][0-9]{3}|[12][0-9]{3}[-/ ][12][09][0-9]{2}"
)
_TIME_STAMP = re.compile(r"\+?[12][0-9]{3}-[0-9]{2}-[0-9]{2}(?![0-9])")
_DECIMAL = re.compile(r"[0-9]+\.[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+")


def _could_be(written: str) -> bool:
    """Return whether digits in groups have a telephone number's length and are no date, range of years or decimal number."""
    groups = re.findall(r"[0-9]+", re.split(r" ?(?:x|ext)", written)[0])
    # ITU-T E.164 allows fifteen digits; local numbers of under seven are hardly written down.
    length = sum(map(len, groups))
    if not 7 <= length <= 15 or sum(len(group) == 1 for group in groups) > 2:
        return False
    return not (_TIME_STAMP.match(written) or _DATE.fullmatch(written) or _DECIMAL.fullmatch(written))


def _strict(scan: Scan) -> Iterator[Span]:
    for match in scan.in_numbers(_INTERNATIONAL, 4):
        # Under nine digits, with separators, it is as likely a sum or a version.
        if 9 <= sum(map(str.isdigit, re.split(" ?[xe]", match[0])[0])) <= 15:
            yield match.span()
    for match in scan.in_numbers(_AREA_IN_BRACKETS, 12):
        yield match.span()
    for match in scan.in_numbers(_GROUPED, 12):
        if _NAME_BEFORE.search(scan.text, max(0, match.start() - 24), match.start()):
            yield match.span()


def _loose(scan: Scan) -> Iterator[Span]:
    for match in scan.in_numbers(_LOOSE, 12):
        start, end = match.span()
        if not _could_be(match[0]):
            continue
        plus = match[0].startswith("+") and sum(map(str.isdigit, match[0])) >= 10
        if plus or _spoken_of(scan.text[max(0, start - 56) : start]) or _AFTER.match(scan.text, end):
            yield start, end


def _spoken_of(before: str) -> bool:
    """Return whether the words before a number say that it is a telephone's."""
    if not before.isascii() and _CHINESE.search(before):
        return True
    tail = before.rstrip(" \t\r\n.:\"'=#(")
    words = _WORD.findall(tail.lower())
    if not words or not 0 < len(before) - len(tail) <= 6 or not tail[-1].isalpha():
        return False
    last = words[-1]
    if last in _LABELS or (last in _LINKS and len(words) > 1 and words[-2] in _LABELS):
        return True
    if last in _LABELS_WITH_COLON and not _COLON.isdisjoint(before[len(tail) :]):
        return True
    if last not in _OBJECT:
        return False
    sentence = _SENTENCE_END.split(tail.lower())[-1]
    return not _DOING.isdisjoint(_WORD.findall(sentence))


def find_phones(scan: Scan) -> Iterator[Span]:
    """Yield the places of telephone numbers, extensions included."""
    places = sorted({*_strict(scan), *(_loose(scan) if scan.content == "prose" else ())}, key=lambda span: (span[0], -span[1]))
    end = 0
    for place in places:
        if place[0] >= end:
            end = place[1]
            yield place


PHONE = Mask("[PHONE_NUMBER]", find_phones)
