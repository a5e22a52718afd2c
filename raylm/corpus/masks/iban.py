"""International bank account numbers: a country's length and structure, and check digits that one number in 97 has by chance."""

import re
from collections.abc import Iterator

from raylm.corpus.masks.base import Mask, Scan, Span
from raylm.corpus.masks.checksums import mod_97

# Structure after country and check digits, from the SWIFT IBAN registry: n digits, a letters, c either.
_REGISTRY = """
AD 8n12c AE 19n AL 8n16c AT 16n AZ 4a20c BA 16n BE 12n BG 4a6n8c BH 4a14c BR 23n1a1c BY 4c4n16c CH 5n12c CR 18n CY 8n16c
CZ 20n DE 18n DK 14n DO 4c20n EE 16n EG 25n ES 20n FI 14n FO 14n FR 10n11c2n GB 4a14n GE 2a16n GI 4a15c GL 14n GR 7n16c
GT 4c20c HR 17n HU 24n IE 4a14n IL 19n IQ 4a15n IS 22n IT 1a10n12c JO 4a4n18c KW 4a22c KZ 3n13c LB 4n20c LC 4a24c LI 5n12c
LT 16n LU 3n13c LV 4a13c LY 21n MC 10n11c2n MD 2c18c ME 18n MK 3n10c2n MR 23n MT 4a5n18c MU 4a19n3a NL 4a10n NO 11n PK 4a16c
PL 24n PS 4a21c PT 21n QA 4a21c RO 4a16c RS 18n SA 2n18c SC 4a20n3a SD 14n SE 20n SI 15n SK 20n SM 1a10n12c ST 21n SV 4a20n
TL 19n TN 20n TR 6n16c UA 6n19c VA 18n VG 4a16n XK 16n
"""
_SIGNS = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}


def _pattern(structure: str) -> tuple[int, re.Pattern[str]]:
    parts = re.findall(r"(\d+)([nac])", structure)
    length = 4 + sum(int(count) for count, _ in parts)
    return length, re.compile("".join(f"{_SIGNS[sign]}{{{count}}}" for count, sign in parts))


_COUNTRIES = {country: _pattern(structure) for country, structure in zip(*[iter(_REGISTRY.split())] * 2, strict=True)}
_WRITTEN = re.compile(
    r"(?<![A-Za-z0-9_\]/+-])[A-Za-z]{2}[0-9]{2}(?:[A-Za-z0-9]{11,30}(?![A-Za-z0-9_\[/+=-])"
    r"|(?: [A-Za-z0-9]{4}){2,7}(?: [A-Za-z0-9]{1,3})?(?![A-Za-z0-9_\[]))"
)


def valid(iban: str) -> bool:
    """Return whether capital letters and digits are an IBAN (ISO 13616): known country, its structure, and right check digits."""
    _, account = _COUNTRIES.get(iban[:2], (0, None))
    return bool(account and account.fullmatch(iban, 4)) and mod_97(iban[4:] + iban[:4])


def _account(written: str) -> int:
    """Return how many characters of what is written are an IBAN: the words after a grouped one look like its groups."""
    length, _ = _COUNTRIES.get(written[:2].upper(), (0, None))
    if " " in written:
        length += (length - 1) // 4
    end = written[length : length + 1]
    return length if length <= len(written) and end in {"", " "} and valid(written[:length].replace(" ", "").upper()) else 0


def find_ibans(scan: Scan) -> Iterator[Span]:
    """Yield the places of IBANs, plain or in groups of four, in capitals or small letters."""
    at = scan.shape.find(b"aa00")
    while at >= 0:
        match = _WRITTEN.match(scan.text, at)
        length = _account(match[0]) if match else 0
        if length:
            yield at, at + length
        at = scan.shape.find(b"aa00", at + (length or 4))


IBAN = Mask("[IBAN_CODE]", find_ibans)
