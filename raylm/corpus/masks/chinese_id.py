"""Chinese resident identity numbers (GB 11643-1999): province, date of birth, sequence, check character."""

import datetime
import re
from collections.abc import Iterator

from raylm.corpus.masks.base import Mask, Scan, Span
from raylm.corpus.masks.checksums import mod_11_2

_NUMBER = re.compile(r"(?<![A-Za-z0-9_.\]-])[1-8][0-9]{16}[0-9Xx](?![A-Za-z0-9_\[-]|\.[0-9])")
_OLD_NUMBER = re.compile(r"(?<![A-Za-z0-9_.\]-])[1-8][0-9]{14}(?![A-Za-z0-9_\[-]|\.[0-9])")
# GB/T 2260: the provinces, the regions and, since 2018, residents from Hong Kong, Macau and Taiwan.
_PROVINCES = frozenset(map(str, (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71,
                                  81, 82, 83)))
_CONTEXT = re.compile(r"身份证|身份證|身分證|公民身份|证件号|證件號|identity (?:card|number)|resident id", re.IGNORECASE)


def _is_date(digits: str) -> bool:
    try:
        return 1850 <= datetime.date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).year < 2050
    except ValueError:
        return False


def valid(number: str) -> bool:
    """Return whether 18 characters are a resident identity number: province, a day that exists, check character."""
    return number[:2] in _PROVINCES and _is_date(number[6:14]) and mod_11_2(number[:17]) == number[17].upper()


def find_chinese_ids(scan: Scan) -> Iterator[Span]:
    """Yield the places of resident identity numbers; the 15 digits used before 1999, which check nothing, only after a word."""
    if b"0" * 15 not in scan.shape:
        return
    found = [match.span() for match in scan.in_numbers(_NUMBER) if valid(match[0])]
    for match in scan.in_numbers(_OLD_NUMBER):
        if match[0][:2] in _PROVINCES and _is_date("19" + match[0][6:12]) and scan.near(match.span(), _CONTEXT, before=24):
            found.append(match.span())
    yield from sorted(found)


CHINESE_ID = Mask("[CN_RESIDENT_ID]", find_chinese_ids)
