"""Names and passwords in addresses: `https://name:password@host`. The rest of the address stays."""

import re
from collections.abc import Iterator

from raylm.corpus.masks.base import Mask, Scan, Span

_WRITTEN = re.compile(r"([^\s:/@\[\]\"'<>`(){}|$%*]{1,128}):([^\s/@\[\]\"'<>`(){}|$*]{1,128})@(?=[A-Za-z0-9\[])")
# What manuals write there.
_STAND_IN = re.compile(r"passw|^(?:pass|pw|pwd)$|secret|token|key|your|xxx|\.\.\.", re.IGNORECASE)


def find_credentials(scan: Scan) -> Iterator[Span]:
    """Yield the places of `name:password` in URLs (RFC 3986, 3.2.1); stand-ins such as `user:password` stay."""
    for at in scan.places("://") if "@" in scan.text else ():
        match = _WRITTEN.match(scan.text, at + 3)
        if match and match[1] != match[2] and not _STAND_IN.search(match[2]) and len(set(match[2])) > 1:
            yield match.start(), match.end() - 1


CREDENTIALS = Mask("[CREDENTIALS]", find_credentials)
