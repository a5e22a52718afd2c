"""German tax identification numbers: eleven digits, ISO 7064 mod 11,10. One in ten numbers passes, so a word must name them."""

import re
from collections import Counter
from collections.abc import Iterator

from raylm.corpus.masks.base import Mask, Scan, Span
from raylm.corpus.masks.checksums import mod_11_10

_NUMBER = re.compile(r"(?<![A-Za-z0-9_.\]+-])[1-9][0-9](?:[0-9]{9}| [0-9]{3} [0-9]{3} [0-9]{3})(?![A-Za-z0-9_\[-]|\.[0-9])")
_CONTEXT = re.compile(r"steuer|\bidnr\b|\btin\b|tax id|\btax number", re.IGNORECASE)


def valid(digits: str) -> bool:
    """Return whether eleven digits are a tax number: check digit, and of the first ten one alone is there twice or three times."""
    repeated = [count for count in Counter(digits[:10]).values() if count > 1]
    return len(repeated) == 1 and repeated[0] <= 3 and mod_11_10(digits)


def find_german_tax_ids(scan: Scan) -> Iterator[Span]:
    """Yield the places of German tax identification numbers that are named so."""
    for match in scan.in_numbers(_NUMBER) if scan.says(b"steuer", b"idnr", b"tin", b"tax") else ():
        if valid(match[0].replace(" ", "")) and scan.near(match.span(), _CONTEXT):
            yield match.span()


GERMAN_TAX = Mask("[DE_TAX_ID]", find_german_tax_ids)
