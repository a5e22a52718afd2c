"""Block lists of domains, addresses and words in addresses, as RefinedWeb uses them (Penedo et al. 2023, section 3.1)."""

import re
from functools import cache
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from raylm.corpus.rules.base import Rule
from raylm.corpus.rules.lists import entries

if TYPE_CHECKING:
    import pyarrow as pa

_LISTS = ("domains", "urls", "words", "soft_words", "substrings")
_WORDS = re.compile(r"[^a-z0-9]+")


class UrlListsRule(Rule):
    """Removes documents by their URL. Each key is a list of files, one entry a line, `#` begins a comment. No URL, no objection."""

    do: Literal["url_lists"] = "url_lists"
    """URL and domain block lists."""
    domains: tuple[str, ...] = ()
    """Files of domains; `example.org` blocks `www.example.org` as well."""
    urls: tuple[str, ...] = ()
    """Files of addresses, compared without scheme, `www.`, query, fragment and a slash at the end."""
    words: tuple[str, ...] = ()
    """Files of words that may not be in an address as a whole word, between signs."""
    soft_words: tuple[str, ...] = ()
    """Files of words of which only a few may be in an address."""
    max_soft_words: int = Field(default=1, ge=0)
    """Most different ones of `soft_words` in one address."""
    substrings: tuple[str, ...] = ()
    """Files of letters and digits that may be nowhere in an address, once its signs are taken out."""

    @model_validator(mode="after")
    def _some(self) -> "UrlListsRule":
        if not any(getattr(self, name) for name in _LISTS):
            raise ValueError(f"at least one list: {', '.join(_LISTS)}")
        return self

    def files(self, stage: str) -> tuple[str, ...]:
        """Return the lists, which only the decision reads."""
        return tuple(path for name in _LISTS for path in getattr(self, name)) if stage == "corpus" else ()

    def columns(self) -> tuple[str, ...]:
        """Return where the address is."""
        return ("url",)

    def refusals(self, rows: "pa.Table") -> list[str | None]:
        """Return which list an address is on, or None, for each row."""
        return [self.reason(url) if url else None for url in rows["url"].to_pylist()]

    def reason(self, url: str) -> str | None:
        """Return `domain blocked`, `URL blocked`, `word in URL`, `words in URL`, `letters in URL`, or None."""
        host, path = _host_and_path(url)
        names = host.split(".")
        if not _listed(self.domains).isdisjoint(".".join(names[start:]) for start in range(len(names))):
            return "domain blocked"
        if self.urls and _bare(url) in _addresses(self.urls):
            return "URL blocked"
        address = f"{host}{path}".lower()
        words = set(_WORDS.split(address))
        if not _listed(self.words).isdisjoint(words):
            return "word in URL"
        if len(_listed(self.soft_words) & words) > self.max_soft_words:
            return "words in URL"
        substrings = _pattern(self.substrings)
        return "letters in URL" if substrings and substrings.search(_WORDS.sub("", address)) else None


def _host_and_path(url: str) -> tuple[str, str]:
    """Return the host in lower case without its port, and the rest with its query; a text that is no address is all path."""
    try:
        parts = urlsplit(url if "//" in url else f"//{url}")
        return (parts.hostname or "").strip("."), f"{parts.path}?{parts.query}" if parts.query else parts.path
    except ValueError:
        return "", url


def _bare(url: str) -> str:
    host, path = _host_and_path(url)
    return host.removeprefix("www.") + path.split("?", 1)[0].rstrip("/")


@cache
def _listed(paths: tuple[str, ...]) -> frozenset[str]:
    return frozenset(entry.lower().strip(".") for path in paths for entry in entries(path))


@cache
def _addresses(paths: tuple[str, ...]) -> frozenset[str]:
    return frozenset(_bare(entry) for path in paths for entry in entries(path))


@cache
def _pattern(paths: tuple[str, ...]) -> re.Pattern[str] | None:
    """Return what finds any of the substrings."""
    found = sorted({_WORDS.sub("", entry.lower()) for path in paths for entry in entries(path)} - {""})
    return re.compile("|".join(found)) if found else None
