"""A page of HTML becomes its main text, or the reason why it has none."""

from collections.abc import Iterator
from pathlib import Path

from raylm.corpus.encoding import decode_html
from raylm.corpus.extract.sandbox import sandbox
from raylm.corpus.reading import ReadError, read_file
from raylm.corpus.sources.base import Record, Unread
from raylm.corpus.sources.config import SourceConfig

DEFAULT = "trafilatura"
_OPENINGS = (b"<!doctype html", b"<html", b"<head", b"<body")


def web_page(address: str | Path, config: SourceConfig) -> Iterator[Record | Unread]:
    """Read a file that is a page."""
    try:
        data = read_file(address, anonymous=config.anonymous, binary=True)
        text = main_text(data, None, config)
    except ReadError as error:
        yield Unread(0, error.reason, error.raw_bytes)
        return
    yield Record(0, text, len(data), config.content or "prose")


def main_text(page: bytes, charset: str | None, config: SourceConfig) -> str:
    """Return the main text of a page, extracted as its source says.

    Args:
        page: HTML.
        charset: What the server said that it is in.
        config: of the source.

    Raises:
        ReadError: there is none, or not within the limits.
    """
    return sandbox(config.extract or DEFAULT, config.extract_seconds).text(decode_html(page, charset))


def looks_like_html(head: bytes) -> bool:
    """Whether a file's first bytes are the beginning of a page."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1000].lower()
    return start.startswith(_OPENINGS) or (start.startswith((b"<!--", b"<?xml")) and (b"<html" in start or _OPENINGS[0] in start))
