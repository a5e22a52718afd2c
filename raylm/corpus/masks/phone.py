"""Telephone numbers in a clear notation only: grouped digits after a `+` and country code, or the North American (ddd) ddd-dddd.

Anything looser (bare digits, digit groups without a `+`) takes versions, dates, identifiers and arithmetic with it.
"""

import re

PLACEHOLDER = "[PHONE_NUMBER]"

_INTERNATIONAL = re.compile(
    r"(?<![\w+*/.)\]-])\+[1-9]\d{0,2}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,5}(?:[ .-]\d{2,8}){1,4}(?![\w]|[.-]\d)"
)
_AREA_IN_BRACKETS = re.compile(r"(?<![\w(.])(?:\+?1[ .-]?)?\([2-9]\d{2}\) ?[2-9]\d{2}[ .-]\d{4}(?![\w]|[.-]\d)")
_NAMED = re.compile(
    r"((?:phone|telephone|tel|mobile|cell|fax|call)(?: (?:number|us at|no))?[.:\"'= ]{1,5})"
    r"((?:\+?1[ .-])?[2-9]\d{2}[ .-][2-9]\d{2}[ .-]\d{4})(?![\w]|[.-]\d)",
    re.IGNORECASE,
)


def _mask_international(match: re.Match[str]) -> str:
    # ITU-T E.164 allows fifteen digits; under nine, with separators, it is as likely a sum or a version.
    return PLACEHOLDER if 9 <= sum(map(str.isdigit, match[0])) <= 15 else match[0]


def mask_phones(text: str) -> tuple[str, int]:
    """Replace telephone numbers; return the text and how many were replaced."""
    before = text.count(PLACEHOLDER)
    masked = _INTERNATIONAL.sub(_mask_international, text) if "+" in text else text
    masked = _AREA_IN_BRACKETS.sub(PLACEHOLDER, masked)
    masked = _NAMED.sub(lambda match: match[1] + PLACEHOLDER, masked)
    return masked, masked.count(PLACEHOLDER) - before
