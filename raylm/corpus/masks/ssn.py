"""United States social security numbers. They have no check digit: their notation (3-2-4 with hyphens) or a word tells them."""

import re
from collections.abc import Iterator

from raylm.corpus.masks.base import Mask, Scan, Span

# The Social Security Administration assigns no area 000, 666 or 900-999, no group 00 and no serial number 0000.
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.\])+/-])(?<![0-9] )(?!000|666|9)[0-9]{3}([- ]?)(?!00)[0-9]{2}\1(?!0000)[0-9]{4}(?![A-Za-z0-9_\[-]|[./ ][0-9])"
)
_ADVERTISED = frozenset({"078051120", "219099999", "457555462", "123456789"})  # printed in advertisements, no longer anyone's
_CONTEXT = re.compile(r"\bssns?\b|social security|\bsoc\.? ?sec\b|\btax(?:payer)? id", re.IGNORECASE)


def find_ssns(scan: Scan) -> Iterator[Span]:
    """Yield the places of social security numbers; in code, and without hyphens, only after words that name them."""
    for match in scan.in_numbers(_NUMBER):
        if re.sub(r"[- ]", "", match[0]) in _ADVERTISED:
            continue
        if (match[1] == "-" and scan.content == "prose") or scan.near(match.span(), _CONTEXT):
            yield match.span()


SSN = Mask("[US_SSN]", find_ssns)
