"""Bitcoin addresses: base58 with four bytes of double SHA-256, or bech32 with its checksum. Chance hits neither."""

import hashlib
import re
from collections.abc import Iterator

from raylm.corpus.masks.base import Mask, Scan, Span

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_WRITTEN = re.compile(
    r"(?<![A-Za-z0-9\]])(?:[13][1-9A-HJ-NP-Za-km-z]{25,34}|bc1[02-9ac-hj-np-z]{11,71}|BC1[02-9AC-HJ-NP-Z]{11,71})(?![A-Za-z0-9\[])"
)


def valid_base58(address: str) -> bool:
    """Return whether 25 bytes in base58 end with the first four bytes of the double SHA-256 of the others."""
    number = 0
    for sign in address:
        number = number * 58 + _BASE58.index(sign)
    if number >> 200:
        return False
    raw = number.to_bytes(25, "big")
    return hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]


def valid_bech32(address: str) -> bool:
    """Return whether a lower-case bech32 or bech32m string is right (BIP 173, BIP 350)."""
    human, _, data = address.rpartition("1")
    values = [ord(sign) >> 5 for sign in human] + [0] + [ord(sign) & 31 for sign in human] + [_BECH32.index(sign) for sign in data]
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    return check in {1, 0x2BC830A3}


def find_wallets(scan: Scan) -> Iterator[Span]:
    """Yield the places of Bitcoin addresses."""
    for start, end in scan.tokens:
        for match in _WRITTEN.finditer(scan.text, start, end):
            if valid_bech32(match[0].lower()) if match[0][:2] in {"bc", "BC"} else valid_base58(match[0]):
                yield match.span()


CRYPTO = Mask("[CRYPTO]", find_wallets)
