"""Masks find personal data in its usual notations, and leave code, versions, dates and private addresses alone."""

import pytest

from raylm.corpus.masks import MASKS, MasksConfig

NOTHING = dict.fromkeys(MASKS, 0)
OFF = {kind: "" if kind == "names" else False for kind in MASKS}


def mask(kind, text, content="prose"):
    masked, counts = MasksConfig(**OFF | {kind: "titles" if kind == "names" else True}).apply(text, content)
    assert sum(counts.values()) == counts[kind]
    return masked, counts[kind]


@pytest.mark.parametrize("text", [
    "write to ada@example.com",
    "Ada Lovelace <ada.lovelace+list@mail.example.co.uk>",
    "mailto:ada@lovelace.org.",
    "author_email='ada@lovelace.dev',",
    "(ada_l@uni-wien.ac.at)",
])
def test_emails_are_masked(text):
    masked, count = mask("email", text)
    assert count == 1 and "[EMAIL_ADDRESS]" in masked and "ada" not in masked.replace("mailto", "").replace("Ada", "")


@pytest.mark.parametrize("text", [
    "scores = query @ key.T",
    "scores = query@key.T",
    "out = weights@values.transpose(0, 1)",
    "out = x@self.weight.to(device)",
    "git clone git@github.com:ray-project/ray.git",
    "pip install git+ssh://git@github.com/a/b",
    "@dataclass\n@functools.cache\ndef f(): ...",
    "npm install react@18.2.0",
    "https://user@host.example.com/path",
    "foo@bar",
])
def test_code_with_an_at_sign_is_not_an_email(text):
    assert mask("email", text) == (text, 0)


@pytest.mark.parametrize("text", ["connected from 93.184.216.34 today", "host = '151.101.1.69'", "server 8.43.85.97:443",
                                  "address 2001:4860:4860::8888 answers"])
def test_public_addresses_are_masked(text):
    masked, count = mask("ip", text)
    assert count == 1 and "[IP_ADDRESS]" in masked


@pytest.mark.parametrize("text", [
    "127.0.0.1", "0.0.0.0", "224.0.0.251", "151.101.0.0/16",
    "192.168.1.20", "10.23.45.67", "203.0.113.7", "255.255.255.0", "fe80::1", "::1", "2001:db8::1",
    "version 12.104.33.7", "v1.130.22.4", "torch==2.113.40.1", "release: 100.20.30.40", "oid 1.3.6.1.4.1.311", "1.2.3.4",
    "4.21.12.1",
    "300.400.500.600", "2023.10.11.12", "a[1::2]", "x[2000::20]", "at 12:30:45", "00:1b:44:11:3a:b7", "cp310-manylinux_2.17.100.30",
])
def test_private_addresses_versions_and_slices_stay(text):
    assert mask("ip", text) == (text, 0)


@pytest.mark.parametrize("text", ["call +1 (555) 123-4567", "+49 30 901820-33", "Tel.: 415-555-2671", "phone: +44 20 7946 0958",
                                  "(415) 555-2671", "fax 1-800-555-2671"])
def test_phone_numbers_are_masked(text):
    masked, count = mask("phone", text)
    assert count == 1 and "[PHONE_NUMBER]" in masked and "555" not in masked


@pytest.mark.parametrize("text", [
    "2024-01-31", "2024-01-31 12:30:45 +0530", "1.2.3+4.5", "x = a +12", "+1 2 3", "0.19.8+cpu", "978-0-13-110362-7",
    "sum = 1 +100 200",
    "550e8400-e29b-41d4-a716-446655440000", "1234567890", "range(100) 200-300", "415-555-2671", "192.168.100.200", "x[+10, -20]",
    "f(200) 300-4000x",
])
def test_numbers_that_are_no_phone_stay(text):
    assert mask("phone", text) == (text, 0)


def test_switches_turn_masks_off_and_counts_are_by_kind():
    text = "a@example.com, 93.184.216.34"
    assert MasksConfig().apply(text) == ("[EMAIL_ADDRESS], [IP_ADDRESS]", NOTHING | {"email": 1, "ip": 1})
    assert MasksConfig(email=False, ip=False).apply(text)[0] == text


def test_masking_is_idempotent():
    masked, _ = MasksConfig().apply("a@example.com (415) 555-2671")
    assert MasksConfig().apply(masked)[0] == masked
    assert MasksConfig().apply(masked)[1] == NOTHING
