"""Masks find personal data in its usual notations, and leave code, versions, dates and private addresses alone."""

import ipaddress
import itertools
import random
import re
import string
import time

import pyarrow as pa
import pytest

from raylm.corpus.document import Document
from raylm.corpus.masks import MASKS, MasksConfig
from raylm.corpus.rules.personal_data import PersonalDataRule

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


# Published test numbers: those of the card schemes, the IBAN registry, GB 11643, the NHS data dictionary, BIP 173.
CHECKED = {
    "card": ["4111111111111111", "4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005", "3782 822463 10005",
             "6011111111111117",
             "3530111333300000", "card 30569309025904", "信用卡4111111111111111"],
    "iban": ["GB82 WEST 1234 5698 7654 32", "GB82WEST12345698765432", "gb82west12345698765432", "DE89370400440532013000",
             "FR14 2004 1010 0505 0001 3M02 606", "CH9300762011623852957", "NO9386011117947"],
    "ssn": ["536-90-4399", "SSN 536 90 4399", "social security number: 536904399"],
    "chinese_id": ["11010519491231002X", "11010519491231002x", "440524188001010014", "身份证号：11010519491231002X。",
                   "身份证130503670401001"],
    "nhs": ["NHS number 943 476 5919", "nhs no. 9434765919"],
    "german_tax": ["Steuer-ID 36574261809", "IdNr. 36 574 261 809"],
    "crypto": ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
               "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"],
    "mac": ["00:1b:44:11:3a:b7", "00-1B-44-11-3A-B7"],
    "birth_date": ["Date of birth: 12/03/1980", "DOB 3 May 1971", "出生日期：1980年3月12日"],
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in CHECKED.items() for text in texts])
def test_numbers_that_check_are_masked(kind, text):
    masked, count = mask(kind, f"before, {text}, after")
    assert count == 1 and MASKS[kind].placeholder in masked and masked.startswith("before") and masked.endswith(", after")


MISSES = {
    "card": ["4111111111111112", "card 4111111111111112", "1111111111111117", "4006381333931", "30569309025904",
             "4111111111111111.5",
             "x4111111111111111", "0000000000000000", "41111111111111114111"],
    "iban": ["GB82 WEST 1234 5698 7654 33", "GB82WEST1234569876543", "ZZ82WEST12345698765432", "DE8937040044053201300A",
             "GB82WEST123456987654321"],
    "ssn": ["000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567", "123-45-0000", "078-05-1120", "536904399",
            "1536-90-4399", "536-90-43991"],
    "chinese_id": ["110105194912310021", "11010519491331002X", "91010519491231002X", "1101051949123100", "x11010519491231002X",
                   "130503670401001"],
    "nhs": ["NHS number 943 476 5918", "943 476 5919"],
    "german_tax": ["Steuer-ID 36574261808", "36574261809"],
    "crypto": ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "1111111111111111111111111111"],
    "mac": ["02:1b:44:11:3a:b7", "ff:ff:ff:ff:ff:ff", "00:00:5e:00:53:01", "12:30:45", "00:1b:44:11:3a:b7:01"],
    "birth_date": ["born on 12 March 1980", "12/03/1980"],
    "phone": ["call for papers 1999-2003", "call 3.1415926", "phone released on 2009-10-12", "at 1 2 3 4 5 6 7", "12345678",
              "the number 1,234,567", "+1980-02-29 01:02:03"],
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in MISSES.items() for text in texts])
def test_near_misses_stay(kind, text):
    assert mask(kind, f"before, {text}, after")[1] == 0


@pytest.mark.parametrize("text", [
    "Please have the manager call me at 0494 92 82 32 today", "They're not answering at 99 668472", "Mobile: 0490 39 07 81",
    "28-64-66-98 office", "Fax: 345-899-3560x4587", "+447700677662 is mine", "联系电话：010-62781234", "手机 13812345678",
    "Tél. : 01.84.17.61.18",
])
def test_prose_that_speaks_of_telephones_shows_their_numbers(text):
    masked, count = mask("phone", text)
    assert count == 1 and not any(map(str.isdigit, masked))


@pytest.mark.parametrize("text", [
    "total = 4111111111111111", "x = 536-90-4399", "call(451, 5986); call 451 5986", "offset = +447700677662",
    "mobile: 0490 39 07 81",
    "seed = 6011111111111117  # prime", "width[3530111333300000]",
])
def test_numbers_in_code_stay_unless_words_name_them(text):
    assert MasksConfig().apply(text, "code") == (text, NOTHING)


def test_a_named_card_in_code_is_masked():
    masked, _ = MasksConfig().apply("credit_card = '4111111111111111'  # card", "code")
    assert masked == "credit_card = '[CREDIT_CARD]'  # card"


def random_text(seed, alphabet, length):
    return "".join(random.Random(seed).choices(alphabet, k=length))


LETTERS = string.ascii_letters + string.digits
KEYS = {
    "aws": "AKIA" + random_text(1, string.ascii_uppercase + "234567", 16), "github": "ghp_" + random_text(2, LETTERS, 36),
    "google": "AIza" + random_text(3, LETTERS + "-_", 34) + "a",
    "slack": "xoxb-" + random_text(4, string.digits, 12) + "-" + random_text(5, LETTERS, 24),
    "stripe": "sk_" + "live_" + random_text(6, LETTERS, 24),
    "hugging face": "hf_" + random_text(7, string.ascii_letters, 32) + "42",
    "sendgrid": "SG." + random_text(8, LETTERS, 22) + "." + random_text(9, LETTERS, 43),
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0." + random_text(10, LETTERS, 43),
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_keys_in_their_issuers_formats_are_masked(key):
    assert mask("secret", f"client = Client('{key}')", "code") == ("client = Client('[SECRET]')", 1)
    assert mask("secret", f"export KEY={key}\n") == ("export KEY=[SECRET]\n", 1)


def test_private_keys_are_masked_whole_and_their_headers_alone_stay():
    body = "\n".join(random_text(row, LETTERS + "+/", 64) for row in range(8))
    block = f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----"
    assert mask("secret", f"before\n{block}\nafter") == ("before\n[SECRET]\nafter", 1)
    assert mask("secret", block.rsplit("\n", 2)[0])[0] == "[SECRET]"
    for text in ("if line == '-----BEGIN RSA PRIVATE KEY-----':\n    pass", block.replace("PRIVATE", "PUBLIC")):
        assert mask("secret", text, "code") == (text, 0)


@pytest.mark.parametrize("name", ["api_key", "SECRET_KEY", "dbPassword", "theme_token", "private_key"])
def test_random_values_of_telling_names_are_masked(name):
    value = random_text(name, LETTERS, 28) + "3f9"
    assert mask("secret", f'{name} = "{value}"', "code") == (f'{name} = "[SECRET]"', 1)
    assert mask("secret", f'"{name}": "{value}",')[1] == 1
    assert mask("secret", f"{name.upper()}={value}")[1] == 1
    assert mask("secret", f'{{"Authorization": "Bearer {value}"}}', "code")[1] == 1


@pytest.mark.parametrize("text", [
    'api_key = "your-api-key-goes-here-1234"', 'token = "xxxxxxxxxxxxxxxxxxxxxxxx"', 'password = "correct horse battery staple"',
    'tokenizer_name = "mistral_instruct_tokenizer_240323"', "embed_tokens = M2M100ScaledWordEmbedding(1)",
    "private_key: Ed25519PrivateKey | None", 'publicKeyToken="1fc8b3b9a1e18e3b"', "AKIAIOSFODNN7EXAMPLE",
    'sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"', "token = get_token_from_environment_2()",
    "https://example.org/secret/path-2024-01-02-to-something", "sk-learn-contrib-and-more-things", "ghp_" + "x" * 36,
])
def test_what_is_no_secret_stays(text):
    assert mask("secret", text, "code") == (text, 0)


def test_passwords_in_urls_are_masked_and_the_address_stays():
    assert mask("credentials", "postgres://ada:hunter42@db.example.org/x") == ("postgres://[CREDENTIALS]@db.example.org/x", 1)
    for text in ("https://user:password@host/x", "amqp://guest:guest@localhost", "https://host:8080/a@b", "http://a@b:c@d",
    "f'{a}://{b}:{c}@{d}'"):
        assert mask("credentials", text) == (text, 0)


def test_addresses_are_public_by_the_registry_of_special_ranges():
    draw = random.Random(1)
    numbers = [draw.getrandbits(32) for _ in range(5_000)]
    edges = [int(edge) + step for network in map(ipaddress.IPv4Network,
    ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "198.18.0.0/15"])
             for edge in (network[0], network[-1]) for step in (-1, 0, 1)]
    for address in map(ipaddress.IPv4Address, numbers + edges):
        if max(address.packed) > 99 and address not in ipaddress.IPv4Network("192.0.0.0/24"):
            assert mask("ip", f"at {address} now")[1] == (address.is_global and not address.is_multicast), address


def test_chinese_needs_no_spaces_around_personal_data():
    text = "请联系王老师，邮箱ada@example.com，身份证11010519491231002X，电话13812345678。"
    masked, counts = MasksConfig(names="titles").apply(text)
    assert masked == "请联系[PERSON]老师，邮箱[EMAIL_ADDRESS]，身份证[CN_RESIDENT_ID]，电话[PHONE_NUMBER]。"
    assert sum(counts.values()) == 4


def test_names_are_left_unless_a_recogniser_is_asked_for():
    text = "Dear Dr. Ada Lovelace, my name is Charles Babbage. Mr. Smith's Suite 5; 姓名：欧阳锋"
    assert MasksConfig().apply(text)[0] == text
    masked, _ = MasksConfig(names="titles").apply(text)
    assert masked == "Dear Dr. [PERSON], my name is [PERSON]. Mr. [PERSON] Suite 5; 姓名：[PERSON]"
    with pytest.raises(ValueError, match="titles"):
        MasksConfig(names="os:system")


def test_an_installed_recogniser_is_used_by_name_and_its_version_is_part_of_the_address(monkeypatch):
    class Upper:
        def find(self, text):
            return [match.span() for match in re.finditer("[A-Z]{3,}", text)]

    class Point:
        name, dist = "upper", type("Dist", (), {"name": "names-upper", "version": "1.2"})

        def load(self):
            return Upper

    monkeypatch.setattr("raylm.corpus.masks.names.entry_points", lambda group: [Point()])
    config = MasksConfig(names="upper")
    assert config.apply("so said ADA")[0] == "so said [PERSON]"
    assert config.identity()["names_version"] == "names-upper 1.2" and "names_version" not in MasksConfig(names="titles").identity()


PIECES = ["a@example.com", "93.184.216.34", "+49 30 901820-33", "415-555-2671", "phone", "call me at ", "451 5986",
          "4111 1111 1111 1111", "card",
          "GB82 WEST 1234 5698 7654 32", "536-90-4399", "11010519491231002X", "://a:b4c@", "token=", KEYS["github"],
          KEYS["jwt"], "Mr. ", "Ada", "王先生",
          " ", ", ", "\n", "-", ".", "1", "x", "(", ")", ":", "=", '"', "中", "[", "]", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
          "version ", "nhs 9434765919"]


@pytest.mark.parametrize("content", ["code", "prose"])
def test_masking_again_finds_nothing_whatever_stands_together(content):
    config = MasksConfig(names="titles", mac=True, birth_date=True)
    draw = random.Random(7)
    for _ in range(300):
        text = "".join(draw.choices(PIECES, k=12))
        masked, counts = config.apply(text, content)
        assert config.apply(masked, content) == (masked, NOTHING), text
        places = config.find(text, content)
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(places)) and sum(counts.values()) >= len(places)


BAIT = ["a", "1", " ", "@", "a@", "a@a.co ", "a@a.co@", "1.1.1.1.", "93.184.216.34 ", "2001:", "::", "1 ", "1-", "(1)",
        "call 451 5986 ", "phone: ",
        "4111 1111 1111 1111 ", "4111111111111111 ", "GB82WEST12345698765432 ", "aa00", "eyJ", "eyJaaaaaaaaaaaa1.",
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----BEGIN ", "://a:", "http://user:p4ss@host ", 'token="a1b2c3d4e5f6g7h8i9"', "token=", "bc1", "dob 1/1/", "Mr. A ",
        "A ", "王先生",
        "00:11:22:33:44:55 ", "hooks.slack.com/services/", "12345678:AA", "\x00", "\ud800", "\U0001f600", "steuer 1", "x1 "]


@pytest.mark.parametrize("bait", BAIT)
def test_time_is_linear_on_any_text(bait):
    config = MasksConfig(names="titles", mac=True, birth_date=True)

    def spent(length):
        text = (bait * (length // len(bait) + 1))[:length]
        start = time.process_time()
        config.apply(text)
        return time.process_time() - start

    # Ten times the text, some ten times the time: what grows with the square would take a hundred.
    assert spent(100_000) < 40 * max(spent(10_000), 0.005)


def test_a_sixth_place_drops_the_document_and_a_fifth_does_not():
    rule = PersonalDataRule()
    measure, = rule.measures()
    documents = [Document("", masked={"email": 3, "phone": 2}), Document("", masked={"email": 3, "phone": 3}), Document("")]
    rows = pa.table({name: pa.array(values) for name, values in measure.measure(documents).items()})
    assert rule.reasons(rows) == [None, "personal data", None]
    only, = PersonalDataRule(kinds=("email",)).measures()
    assert list(only.columns) != list(measure.columns) and [*only.measure(documents).values()] == [[3.0, 3.0, 0.0]]
    with pytest.raises(ValueError, match="shoe_size"):
        PersonalDataRule(kinds=("shoe_size",))
