"""Public IP addresses, told apart from version numbers (`10.1.2.3`), object identifiers and slices (`a[1::2]`)."""

import ipaddress
import re

PLACEHOLDER = "[IP_ADDRESS]"

_V4 = re.compile(r"(?<![\w.:^~=<>-])(\d{1,3}(?:\.\d{1,3}){3})(?![\w-]|\.\w|/\d)")
# Global unicast is 2000::/3: it begins with four digits of which the first is 2 or 3.
_V6 = re.compile(r"(?<![\w.:])([23][0-9A-Fa-f]{3}(?:::?[0-9A-Fa-f]{1,4}){1,7}(?:::)?)(?![\w:]|\.\w)")
_VERSION_BEFORE = re.compile(
    r"(?:version|release|build|ver|rev|oid|section|\bv)[\s\"'=:.,()]*$|[=<>~^!]=?\s*[\"']?$", re.IGNORECASE
)
_HOST_BEFORE = re.compile(r"(?:ip|host|addr\w*|server)\W*$", re.IGNORECASE)


def _is_public_v4(text: str) -> bool:
    """Whether a dotted quad is a public address and no likely version: those rarely have two parts above 19 or one above 99."""
    parts = [int(part) for part in text.split(".")]
    looks_like_address = max(parts) > 99 or sum(part > 19 for part in parts) >= 2
    if not looks_like_address or max(parts) > 255:
        return False
    address = ipaddress.IPv4Address(".".join(map(str, parts)))
    return address.is_global and not address.is_multicast


def _is_public_v6(text: str) -> bool:
    try:
        return sum(map(bool, text.split(":"))) >= 3 and ipaddress.IPv6Address(text).is_global
    except ValueError:
        return False


def mask_addresses(text: str) -> tuple[str, int]:
    """Replace public IP addresses; return the text and how many were replaced."""
    count = 0

    def mask_v4(match: re.Match[str]) -> str:
        nonlocal count
        before = text[max(0, match.start() - 24) : match.start()]
        # `host="93.184.216.34"` assigns an address, `version = "6.21.100.30"` a version: only the latter names itself.
        version = _VERSION_BEFORE.search(before) and not _HOST_BEFORE.search(before)
        if version or not _is_public_v4(match[1]):
            return match[0]
        count += 1
        return PLACEHOLDER

    def mask_v6(match: re.Match[str]) -> str:
        nonlocal count
        if not _is_public_v6(match[1]):
            return match[0]
        count += 1
        return PLACEHOLDER

    text = _V4.sub(mask_v4, text)
    return _V6.sub(mask_v6, text), count
