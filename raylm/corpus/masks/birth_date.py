"""Dates of birth as forms give them, after a label. Off unless asked for: lives of public people are full of such dates."""

import re
from collections.abc import Iterator

from raylm.corpus.masks.base import Mask, Scan, Span

_LABELS = (
    "date of birth", "birth date", "birthdate", "d.o.b.", "d.o.b", "dob", "geburtsdatum", "fecha de nacimiento",
    "date de naissance", "出生日期", "出生年月日", "出生年月",
)
_BETWEEN = re.compile(r"(?: is)?[\s:：=\"']{0,6}")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DATE = re.compile(
    r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}(?![0-9])|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2,4}(?![0-9])|(?:18|19|20)[0-9]{6}(?![0-9])"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th)? {_MONTH},? [0-9]{{4}}|{_MONTH} [0-9]{{1,2}}(?:st|nd|rd|th)?,? [0-9]{{4}}"
    r"|[0-9]{4} ?年 ?[0-9]{1,2} ?月(?: ?[0-9]{1,2} ?日)?",
    re.IGNORECASE,
)


def _labels(scan: Scan) -> Iterator[int]:
    """Yield where labels end, of any case."""
    for label in _LABELS:
        if not label.isascii():
            yield from (at + len(label) for at in scan.places(label))
            continue
        sought = label.encode()
        at = scan.lower.find(sought)
        while at >= 0:
            yield at + len(label)
            at = scan.lower.find(sought, at + len(label))


def find_birth_dates(scan: Scan) -> Iterator[Span]:
    """Yield the places of dates that a label calls a date of birth."""
    found = set()
    for end in _labels(scan):
        between = _BETWEEN.match(scan.text, end)
        if date := _DATE.match(scan.text, between.end() if between else end):
            found.add(date.span())
    yield from sorted(found)


BIRTH_DATE = Mask("[DATE_OF_BIRTH]", find_birth_dates)
