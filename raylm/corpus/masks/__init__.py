"""Masks for personal data: each finds one kind, and a placeholder takes its place. To add one: a small file here with a `Mask`, its
line in `MASKS` and its field in `MasksConfig`.

They err on the side of leaving text alone: in code, a version number or an expression that turns into a placeholder teaches
nonsense. Placeholders are those of Microsoft Presidio where it has the kind, so that tools know them.
"""

import re
from functools import cached_property
from typing import Any

from pydantic import field_validator

from raylm.corpus.document import Content
from raylm.corpus.masks.address import ADDRESS
from raylm.corpus.masks.base import Mask, Scan, Span, merge
from raylm.corpus.masks.birth_date import BIRTH_DATE
from raylm.corpus.masks.card import CARD
from raylm.corpus.masks.chinese_id import CHINESE_ID
from raylm.corpus.masks.credentials import CREDENTIALS
from raylm.corpus.masks.crypto import CRYPTO
from raylm.corpus.masks.email import EMAIL
from raylm.corpus.masks.german_tax import GERMAN_TAX
from raylm.corpus.masks.iban import IBAN
from raylm.corpus.masks.mac import MAC
from raylm.corpus.masks.names import known, recogniser, version
from raylm.corpus.masks.nhs import NHS
from raylm.corpus.masks.phone import PHONE
from raylm.corpus.masks.secret import SECRET
from raylm.corpus.masks.ssn import SSN
from raylm.recipe.section import Section

MASKS: dict[str, Mask] = {
    "secret": SECRET,
    "credentials": CREDENTIALS,
    "email": EMAIL,
    "ip": ADDRESS,
    "iban": IBAN,
    "chinese_id": CHINESE_ID,
    "card": CARD,
    "ssn": SSN,
    "nhs": NHS,
    "german_tax": GERMAN_TAX,
    "crypto": CRYPTO,
    "mac": MAC,
    "birth_date": BIRTH_DATE,
    "phone": PHONE,
    "names": Mask("[PERSON]", lambda scan: ()),
}
"""Mask by its switch in the recipe. Where two find overlapping places, the earlier has its way: those with checksums come first.
Names have no finder of their own: `MasksConfig.names` says whose is used."""

_ROUNDS = 4
_PLACEHOLDERS = re.compile("|".join(re.escape(mask.placeholder) for mask in MASKS.values()))


class MasksConfig(Section):
    """Which kinds of personal data are masked."""

    secret: bool = True
    """Keys, tokens and private keys in the formats that their issuers publish become [SECRET], and random values named as such."""
    credentials: bool = True
    """`name:password` in a URL becomes [CREDENTIALS]."""
    email: bool = True
    """E-mail addresses become [EMAIL_ADDRESS]."""
    ip: bool = True
    """Public IPv4 and IPv6 addresses become [IP_ADDRESS]; private, loopback and documentation ones stay."""
    iban: bool = True
    """Bank account numbers (ISO 13616, checked) become [IBAN_CODE]."""
    chinese_id: bool = True
    """Chinese resident identity numbers (checked) become [CN_RESIDENT_ID]."""
    card: bool = True
    """Payment card numbers (issuer and Luhn checked) become [CREDIT_CARD]."""
    ssn: bool = True
    """United States social security numbers become [US_SSN]."""
    nhs: bool = True
    """United Kingdom health service numbers (checked, and named so) become [UK_NHS]."""
    german_tax: bool = True
    """German tax numbers (checked, and named so) become [DE_TAX_ID]."""
    crypto: bool = True
    """Bitcoin addresses (checked) become [CRYPTO]."""
    mac: bool = False
    """MAC addresses of devices become [MAC_ADDRESS]. Off: most that are written down are examples."""
    birth_date: bool = False
    """Dates that a label calls a date of birth become [DATE_OF_BIRTH]."""
    phone: bool = True
    """Telephone numbers become [PHONE_NUMBER]: in a clear notation anywhere, in others where prose speaks of telephones."""
    names: str = ""
    """Recogniser of names, which become [PERSON]: `titles`, or one that an installed package offers. Empty: names stay."""

    @field_validator("names")
    @classmethod
    def _known(cls, name: str) -> str:
        if name and not known(name):
            raise ValueError(f"no recogniser of names is called {name}: `titles` is built in, packages can offer others")
        return name

    def identity(self) -> dict[str, Any]:
        """Return what decides the masked text; the version of an installed recogniser is part of it."""
        return super().identity() | ({"names_version": version(self.names)} if self.names and version(self.names) else {})

    @cached_property
    def _asked(self) -> tuple[str, ...]:
        """Kinds to be masked."""
        return tuple(kind for kind in MASKS if getattr(self, kind))

    def find(self, text: str, content: Content = "prose") -> list[tuple[int, int, str]]:
        """Return what is to be masked: first and past-the-last character and kind, in order, not overlapping."""
        if not self._asked:
            return []
        scan = Scan(text, content)
        places: list[tuple[int, int, str]] = []
        for kind in self._asked:
            found: list[Span] = self._names(text) if kind == "names" else list(MASKS[kind].find(scan))
            if found:
                places = merge(places, found, kind)
        return places

    def _names(self, text: str) -> list[Span]:
        """Return what the recogniser finds, but for placeholders, which a model may take for names."""
        placeholders = [(*match.span(), "") for match in _PLACEHOLDERS.finditer(text)] if "[" in text else []
        return [(start, end) for start, end, kind in merge(placeholders, recogniser(self.names).find(text), "names") if kind]

    def apply(self, text: str, content: Content = "prose") -> tuple[str, dict[str, int]]:
        """Return the masked text, and how many places were masked of each kind. A second application finds nothing."""
        counts = dict.fromkeys(MASKS, 0)
        # A placeholder can free what overlapped it, or clear what stood between a number and the word that names it.
        for _ in range(_ROUNDS):
            places = self.find(text, content)
            if not places:
                break
            pieces, done = [], 0
            for start, end, kind in places:
                pieces += [text[done:start], MASKS[kind].placeholder]
                counts[kind] += 1
                done = end
            text = "".join(pieces) + text[done:]
        return text, counts
