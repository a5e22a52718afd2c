"""Masks for personal data: each finds one kind and puts a placeholder in its place. To add one: a small file here and its field.

They err on the side of leaving text alone: in code, a version number or an expression that turns into a placeholder teaches
nonsense. Placeholders are those of Microsoft Presidio, so that tools know them.
"""

from raylm.corpus.masks.address import mask_addresses
from raylm.corpus.masks.email import mask_emails
from raylm.corpus.masks.phone import mask_phones
from raylm.recipe.section import Section

MASKS = {"email": mask_emails, "ip": mask_addresses, "phone": mask_phones}
"""Mask by its switch in the recipe: text in, (text, number of places masked) out."""


class MasksConfig(Section):
    """Which kinds of personal data are masked."""

    email: bool = True
    """E-mail addresses become [EMAIL_ADDRESS]."""
    ip: bool = True
    """Public IPv4 and IPv6 addresses become [IP_ADDRESS]; private, loopback and documentation ones stay."""
    phone: bool = True
    """Telephone numbers in a clear notation become [PHONE_NUMBER]."""

    def apply(self, text: str) -> tuple[str, dict[str, int]]:
        """Return the masked text, and how many places were masked of each kind."""
        counts = dict.fromkeys(MASKS, 0)
        for name, mask in MASKS.items():
            if getattr(self, name):
                text, counts[name] = mask(text)
        return text, counts
