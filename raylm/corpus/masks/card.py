"""Payment card numbers, by the Luhn check digit and what tells them from the tenth of all numbers that passes it: words such as
*card* around them or, in prose, 15 or 16 digits of which the first are an issuer's. Other lengths (13 digits are an EAN) and
all numbers in code need the words.
"""

import re
from collections.abc import Iterator

from raylm.corpus.masks.base import Mask, Scan, Span
from raylm.corpus.masks.checksums import luhn

_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.\]+/-])(?<![0-9] )"
    r"(?:[0-9]{12,19}|[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{3})?|[0-9]{4}([ -])[0-9]{6}\2[0-9]{4,5})"
    r"(?![A-Za-z0-9_\[-]|[./ ][0-9])"
)
# First digits from, to, and the length (ISO/IEC 7812 ranges as the schemes publish them).
_ISSUERS: tuple[tuple[str, str, int], ...] = (
    ("4", "4", 16),  # Visa
    ("51", "55", 16),  # Mastercard
    ("2221", "2720", 16),
    ("34", "34", 15),  # American Express
    ("37", "37", 15),
    ("3528", "3589", 16),  # JCB
    ("6011", "6011", 16),  # Discover
    ("644", "659", 16),
    ("62", "62", 16),  # UnionPay
    ("2200", "2204", 16),  # Mir
)
_CONTEXT = re.compile(
    r"\bcards?\b|\bcredit\b|\bdebit\b|\bvisa\b|master ?card|\bamex\b|american express|\bcc\b|\bmaestro\b"
    r"|carte bancaire|kreditkarte|tarjeta|信用卡|银行卡|借记卡|储蓄卡|卡号|銀行卡|卡號",
    re.IGNORECASE,
)


def issued(digits: str) -> bool:
    """Return whether a scheme issues numbers of these first digits and this length."""
    return any(first <= digits[: len(first)] <= last and len(digits) == length for first, last, length in _ISSUERS)


def find_cards(scan: Scan) -> Iterator[Span]:
    """Yield the places of card numbers, plain or in the groups that are printed on cards."""
    for match in scan.in_numbers(_NUMBER) if b"0000" in scan.shape else ():
        digits = match[0].replace(" ", "").replace("-", "")
        if not luhn(digits) or len(set(digits)) == 1 or digits[0] in "0789":
            continue
        if (scan.content == "prose" and issued(digits)) or scan.near(match.span(), _CONTEXT, after=24):
            yield match.span()


CARD = Mask("[CREDIT_CARD]", find_cards)
