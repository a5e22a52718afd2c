"""E-mail addresses, told apart from matrix products (`query@key.T`), remote paths (`git@host.org:repo`) and pins (`name@1.2`)."""

import re

PLACEHOLDER = "[EMAIL_ADDRESS]"

# The generic domains in common use; country codes are any two letters. A full list would buy little: `x@layer.weight` must stay.
_GENERIC = "com|org|net|edu|gov|mil|int|info|biz|name|dev|app|email|online|tech|cloud|software|systems|academy|example|xyz|museum"
_EMAIL = re.compile(
    r"(?<![\w.+/%@-])([A-Za-z0-9][\w.+%-]{0,63})@((?:[A-Za-z0-9][A-Za-z0-9-]{0,62}\.){1,5}(?:"
    + _GENERIC
    + r"|[a-z]{2}))(?![\w(\[@]|[.-]\w|:[\w/~])"
)
_SERVICE_USERS = frozenset({"git", "hg", "svn", "ssh"})


def _mask(match: re.Match[str]) -> str:
    return match[0] if match[1].lower() in _SERVICE_USERS else PLACEHOLDER


def mask_emails(text: str) -> tuple[str, int]:
    """Replace e-mail addresses; return the text and how many were replaced."""
    if "@" not in text:
        return text, 0
    masked = _EMAIL.sub(_mask, text)
    return masked, masked.count(PLACEHOLDER) - text.count(PLACEHOLDER)
