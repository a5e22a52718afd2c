"""MAC addresses of devices: six bytes, universally administered (IEEE 802), so that a device, and its owner, can be told by it."""

import re
from collections.abc import Iterator

from raylm.corpus.masks.base import Mask, Scan, Span

_SHAPES = tuple(re.compile(sign + (rb"[0a]{2}" + sign) * 4) for sign in (b":", b"-"))
_WRITTEN = re.compile(r"(?<![\w:\]-])[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![\w:\[-])")


def find_macs(scan: Scan) -> Iterator[Span]:
    """Yield the places of MAC addresses; multicast, local and documentation ones (RFC 7042) are nobody's."""
    for place in sorted(place.start() - 2 for shape in _SHAPES for place in shape.finditer(scan.shape)):
        match = _WRITTEN.match(scan.text, place) if place >= 0 else None
        if not match:
            continue
        raw = bytes.fromhex(match[0].replace(match[1], ""))
        if not raw[0] & 3 and raw[:5] != bytes.fromhex("00005e0053") and any(raw[3:]):
            yield match.span()


MAC = Mask("[MAC_ADDRESS]", find_macs)
