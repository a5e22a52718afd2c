"""Secrets in code and logs: keys in the formats that their issuers publish, private key blocks, web tokens, and long random values
given to a name that says what they are (`api_key = "..."`). Stand-ins (`xxxx`, `EXAMPLE`, words) stay: they are no secrets.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator

from raylm.corpus.masks.base import Mask, Scan, Span

_ISSUED = re.compile(
    r"(?<![A-Za-z0-9_])(?:"
    r"(?:AKIA|ASIA)[A-Z2-7]{16}"  # Amazon Web Services
    r"|gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"
    r"|gl(?:pat|dt|rt)-[A-Za-z0-9_-]{20}"  # GitLab
    r"|xox[abprse]-[A-Za-z0-9-]{20,200}|xapp-[0-9]-[A-Za-z0-9-]{20,200}"  # Slack
    r"|AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{28}"  # Google
    r"|[sr]k_(?:live|test)_[A-Za-z0-9]{16,120}"  # Stripe
    r"|sk-(?:proj-|ant-|or-|svcacct-|admin-)[A-Za-z0-9_-]{32,200}|sk-[A-Za-z0-9]{32,64}"  # model services
    r"|hf_[A-Za-z0-9]{34}"  # Hugging Face
    r"|npm_[A-Za-z0-9]{36}|pypi-AgEI[A-Za-z0-9_-]{50,300}"
    r"|dop_v1_[a-f0-9]{64}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|key-[0-9a-f]{32}|AC[0-9a-f]{32}|SK[0-9a-f]{32}"
    r")(?![A-Za-z0-9_-])"
)
# A JSON web token (RFC 7519): header and claims are JSON objects in base64, so both begin with `{"`.
_WEB_TOKEN = re.compile(
    r"(?<![A-Za-z0-9_])eyJ[A-Za-z0-9_-]{10,4000}\.eyJ[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{16,2000}(?![A-Za-z0-9_-])"
)
_SLACK_HOOK = re.compile(r"(?<=hooks\.slack\.com/services/)T[A-Z0-9]{6,12}/B[A-Z0-9]{6,14}/[A-Za-z0-9]{20,26}")
_SENDGRID = re.compile(r"(?<![A-Za-z0-9_])SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")
_GOOGLE_ACCESS = re.compile(r"(?<![A-Za-z0-9_])ya29\.[A-Za-z0-9_-]{30,400}(?![A-Za-z0-9_-])")
_TELEGRAM = re.compile(r"(?<![A-Za-z0-9])[0-9]{8,10}:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])")
# These have signs that no token has.
_WITH_POINTS = {"hooks.slack.com/services/": _SLACK_HOOK, ":AA": _TELEGRAM, "SG.": _SENDGRID, "ya29.": _GOOGLE_ACCESS}

_HEADER = "-----BEGIN "
_PRIVATE = re.compile(r"-----BEGIN [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----")
_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----")
_KEY_DATA = re.compile(r"[A-Za-z0-9+/]{32}")
_LONGEST_KEY = 20_000

_VALUE = re.compile(r"[A-Za-z0-9_\-+/]{16,256}={0,2}")
# The name ends with the telling word (`theme_token`, not `tokenizer_name`); searched in small letters.
_NAME = re.compile(
    r"(?:api_?key|secret|token|passw(?:or)?d|pwd|access_?key|auth_?key|private_?key|account_?key|encryption_?key|credential)"
    r"(?:[_-]?(?:key|value|base|string|id|hash|live|prod|v?[0-9]))?[\"'\])]{0,2}\s{0,4}(?:=>|:=|==?|:)\s{0,4}[\"'`]?$"
    r"|(?:authorization[\"']?: {0,2}[\"']?(?:bearer|basic|token) )$"
)
_ASSIGNS = frozenset("=:>")
_QUOTES = frozenset("\"'`")
_STAND_IN = re.compile(r"example|sample|dummy|placeholder|your|xxxx|1234567|abcdef|changeme|redacted|test|fake", re.IGNORECASE)


def _entropy(text: str) -> float:
    """Return Shannon's entropy of the characters, bits per character."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


def _is_random(value: str) -> bool:
    """Return whether a value looks drawn, not written: digits among letters, no word of a stand-in, high entropy for its signs."""
    digits = sum(map(str.isdigit, value))
    if digits < 2 or len(value) - digits < 2 or _STAND_IN.search(value) or value.count("/") > 3:
        return False
    # Drawn evenly, 16 hex digits hold some 3.2 bits a sign, 16 of base64 some 3.7.
    return _entropy(value) > (3.0 if re.fullmatch("[0-9a-fA-F-]+", value) else 3.6)


def _private_keys(scan: Scan) -> Iterator[Span]:
    text = scan.text
    at = text.find(_HEADER)
    while at >= 0:
        following = text.find(_HEADER, at + 11)
        header = _PRIVATE.match(text, at)
        if header:
            limit = min(len(text), at + _LONGEST_KEY, following if following >= 0 else len(text))
            end = _KEY_END.search(text, header.end(), limit)
            if _KEY_DATA.search(text, header.end(), end.start() if end else min(limit, header.end() + 200)):
                yield at, end.end() if end else _end_of_data(text, header.end(), limit)
        at = following


def _end_of_data(text: str, start: int, limit: int) -> int:
    """Return where the lines of a key that was cut off end."""
    data = re.compile(r"(?:(?:\\n|[\s\"',])*[A-Za-z0-9+/=]{16,})*").match(text, start, limit)
    return data.end() if data else start


def _assigned(scan: Scan) -> Iterator[Span]:
    text = scan.text
    for start, end in scan.tokens:
        # `name=value` without spaces is one token: the value follows the sign.
        sign = text.find("=", start, min(end, start + 64) - 16)
        value = _VALUE.match(text, sign + 1 if sign >= 0 else start, end)
        if not value or value.end() != end or text[end : end + 1] in {"(", ".", "["}:
            continue
        before = text[max(0, value.start() - 48) : value.start()].lower()
        header = before.endswith(("bearer ", "basic ", "token "))
        # Without quotes, code gives a name or a type there; what is called public is no secret.
        if (scan.content == "code" and not header and before[-1:] not in _QUOTES) or "public" in before[-24:]:
            continue
        assigned = header or before.rstrip(" \"'`")[-1:] in _ASSIGNS
        if assigned and _NAME.search(before) and _is_random(value[0]):
            yield value.span()


def _issued(scan: Scan) -> Iterator[Span]:
    text = scan.text
    for start, end in scan.tokens:
        for match in _ISSUED.finditer(text, start, end):
            if len(set(match[0])) > 9 and "EXAMPLE" not in match[0].upper():
                yield match.span()
        token = _WEB_TOKEN.match(text, max(start, text.find("eyJ", start, end)))
        if token:
            yield token.span()
    for sign, pattern in _WITH_POINTS.items():
        if sign in text:
            for match in pattern.finditer(text):
                yield match.span()


def find_secrets(scan: Scan) -> Iterator[Span]:
    """Yield the places of secrets, in the text's order."""
    end = 0
    for place in sorted({*_private_keys(scan), *_issued(scan), *_assigned(scan)}, key=lambda span: (span[0], -span[1])):
        if place[0] >= end:
            end = place[1]
            yield place


SECRET = Mask("[SECRET]", find_secrets)
