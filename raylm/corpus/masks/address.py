"""Public IP addresses, told apart from version numbers (`10.1.2.3`), object identifiers and slices (`a[1::2]`)."""

import bisect
import ipaddress
import re
from collections.abc import Iterator

from raylm.corpus.masks.base import Mask, Scan, Span

_V4_SHAPE = re.compile(rb"0\.0{1,3}\.0{1,3}\.0")
_V4 = re.compile(r"(?<![A-Za-z0-9_.:^~=<>\]-])([0-9]{1,3}(?:\.[0-9]{1,3}){3})(?![A-Za-z0-9_-]|\.[A-Za-z0-9_]|[/+]\d)")
_V6_SHAPE = re.compile(rb":(?:[0a]{1,4}:[0a:]|:[0a])")
# Global unicast is 2000::/3: it begins with four digits of which the first is 2 or 3. All eight groups written out are no slice.
_V6 = re.compile(
    r"(?<![A-Za-z0-9_.:\]])((?:[23][0-9A-Fa-f]{3}(?:::?[0-9A-Fa-f]{1,4}){1,7}(?:::)?)"
    r"|[1-9A-Ea-e][0-9A-Fa-f]{3}(?::[0-9A-Fa-f]{1,4}){7})(?![A-Za-z0-9_:]|\.[A-Za-z0-9_])"
)
_VERSION_BEFORE = re.compile(
    r"(?:version|release|build|ver|rev|oid|section|\bv)[\s\"'=:.,()]*$|[=<>~^!]=?\s*[\"']?$", re.IGNORECASE
)
_HOST_BEFORE = re.compile(r"(?:ip|host|addr\w*|server)\W*$", re.IGNORECASE)
# First and last address of the ranges that are nobody's (IANA's registry of special addresses, multicast and what is above it).
_SPECIAL_V4 = sorted(
    (int(network[0]), int(network[-1]))
    for network in map(ipaddress.IPv4Network, (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
    ))
)


def _is_public_v4(text: str) -> bool:
    """Whether a dotted quad is a public address and no likely version: those rarely have two parts above 19 or one above 99."""
    parts = [int(part) for part in text.split(".")]
    looks_like_address = max(parts) > 99 or sum(part > 19 for part in parts) >= 2
    if not looks_like_address or max(parts) > 255:
        return False
    number = int.from_bytes(parts, "big")
    return number > _SPECIAL_V4[bisect.bisect(_SPECIAL_V4, (number, 1 << 32)) - 1][1]


def _is_public_v6(text: str) -> bool:
    try:
        return sum(map(bool, text.split(":"))) >= 3 and ipaddress.IPv6Address(text).is_global
    except ValueError:
        return False


def _find_v4(scan: Scan) -> Iterator[Span]:
    for place in _V4_SHAPE.finditer(scan.shape):
        first = place.start()
        while first > place.start() - 2 and first and scan.shape[first - 1] == ord("0"):
            first -= 1
        match = _V4.match(scan.text, first)
        if not match:
            continue
        before = scan.text[max(0, first - 24) : first]
        # `host="93.184.216.34"` assigns an address, `version = "6.21.100.30"` a version: only the latter names itself.
        version = _VERSION_BEFORE.search(before) and not _HOST_BEFORE.search(before)
        if not version and _is_public_v4(match[1]):
            yield match.span()


def _find_v6(scan: Scan) -> Iterator[Span]:
    end = 0
    for place in _V6_SHAPE.finditer(scan.shape):
        first = place.start() - 4
        match = _V6.match(scan.text, first) if first >= end else None
        if match and _is_public_v6(match[1]):
            end = match.end()
            yield match.span()


def find_addresses(scan: Scan) -> Iterator[Span]:
    """Yield the places of public IPv4 and IPv6 addresses; private, loopback and documentation ones are nobody's."""
    yield from sorted([*_find_v4(scan), *_find_v6(scan)])


ADDRESS = Mask("[IP_ADDRESS]", find_addresses)
