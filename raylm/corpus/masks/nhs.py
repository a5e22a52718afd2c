"""National Health Service numbers of the United Kingdom: ten digits, mod 11. One in eleven numbers passes: a word must tell."""

import re
from collections.abc import Iterator

from raylm.corpus.masks.base import Mask, Scan, Span
from raylm.corpus.masks.checksums import weighted

_NUMBER = re.compile(r"(?<![A-Za-z0-9_.\]+-])[0-9]{3}([- ]?)[0-9]{3}\1[0-9]{4}(?![A-Za-z0-9_\[-]|\.[0-9])")
_CONTEXT = re.compile(r"\bnhs\b|national health service|health services? (?:number|no)", re.IGNORECASE)


def valid(digits: str) -> bool:
    """Return whether ten digits are an NHS number: weights 10 to 2, the check digit 11 minus the rest, never 10."""
    return (11 - weighted(digits, (10, 9, 8, 7, 6, 5, 4, 3, 2)) % 11) % 11 == int(digits[9])


def find_nhs_numbers(scan: Scan) -> Iterator[Span]:
    """Yield the places of NHS numbers that are named so."""
    for match in scan.in_numbers(_NUMBER) if scan.says(b"nhs", b"health service") else ():
        if valid(re.sub(r"[- ]", "", match[0])) and scan.near(match.span(), _CONTEXT):
            yield match.span()


NHS = Mask("[UK_NHS]", find_nhs_numbers)
