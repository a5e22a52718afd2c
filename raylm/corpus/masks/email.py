"""E-mail addresses, told apart from matrix products (`query@key.T`), remote paths (`git@host.org:repo`) and pins (`name@1.2`)."""

import re
from collections.abc import Iterator

from raylm.corpus.masks.base import Mask, Scan, Span

# The generic domains in common use; country codes are any two letters. A full list would buy little: `x@layer.weight` must stay.
_GENERIC = "com|org|net|edu|gov|mil|int|info|biz|name|dev|app|email|online|tech|cloud|software|systems|academy|example|xyz|museum"
_DOMAIN = re.compile(
    rf"(?:[A-Za-z0-9][A-Za-z0-9-]{{0,62}}\.){{1,5}}(?:{_GENERIC}|[a-z]{{2}})"
    r"(?![A-Za-z0-9_(\[@]|[.-][A-Za-z0-9_]|:[A-Za-z0-9_/~])"
)
_AT = re.compile(rb"@[0a]")
_LOCAL = re.compile(r"[\w.+%-]*")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_SERVICE_USERS = frozenset({"git", "hg", "svn", "ssh"})


def _local_part(text: str, at: int) -> str:
    """Return the part before the `@`, or nothing where none can be. Chinese and Japanese need no space before an address."""
    backwards = text[max(0, at - 66) : at][::-1]
    run = _LOCAL.match(backwards)
    local = run[0] if run else ""
    if unspaced := _UNSPACED.search(local):
        local = local[: unspaced.start()]
    before = backwards[len(local) : len(local) + 1]
    first = local[-1:]
    if not 0 < len(local) <= 64 or before in {"/", "@", "]"} or not (first.isascii() and first.isalnum()):
        return ""
    return local[::-1]


def find_emails(scan: Scan) -> Iterator[Span]:
    """Yield the places of e-mail addresses (RFC 5321 lengths; top-level domains in common use)."""
    end = 0
    for place in _AT.finditer(scan.shape) if "@" in scan.text else ():
        at = place.start()
        domain = _DOMAIN.match(scan.text, at + 1) if at >= end else None
        local = _local_part(scan.text, at) if domain else ""
        if domain and local and local.lower() not in _SERVICE_USERS:
            end = domain.end()
            yield at - len(local), end


EMAIL = Mask("[EMAIL_ADDRESS]", find_emails)
