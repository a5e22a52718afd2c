"""WARC and WET: the main text of each HTML response, the text of each conversion record; each is a text of its own.

What was fetched and is no page (images, redirects, errors of the server) is counted with its reason; what was never a document
(requests, descriptions of the crawl) is passed over.
"""

from collections.abc import Iterator
from pathlib import Path

from raylm.corpus.encoding import decode
from raylm.corpus.files import ReadError, explain, opened, unpacked
from raylm.corpus.reading import FILE_LIMIT, TOO_LARGE, is_binary
from raylm.corpus.sources.base import Record, Unread
from raylm.corpus.sources.config import SourceConfig
from raylm.corpus.sources.formats.http_message import Response, charset_of, response
from raylm.corpus.sources.formats.rows import Columns
from raylm.corpus.sources.formats.warc_records import WarcRecord, warc_records
from raylm.corpus.sources.formats.web_page import looks_like_html, main_text

WANTED = frozenset(("response", "resource", "conversion"))
HTML = frozenset(("text/html", "application/xhtml+xml"))
_OK = 200
_STATES = {"long": TOO_LARGE, "damaged": "damaged WARC record", "cut": "truncated WARC"}


def web_archive(address: str | Path, config: SourceConfig, limit: int = FILE_LIMIT) -> Iterator[Record | Unread]:
    """Stream a file's records, in memory for one of at most `limit` bytes.

    Those before a place where the file cannot be read on are kept; the place, with all after it, counts as one unread record.
    """
    number, columns = 0, Columns(config, limit)
    try:
        with opened(address, config.anonymous) as raw, unpacked(raw, str(address)) as stream:
            empty, none = not stream.peek(1), True
            for record in warc_records(stream, WANTED, limit):
                if not _target(record).startswith("metadata:"):  # what the crawler says of itself
                    yield _document(number, record, columns)
                number, none = number + 1, False
            if none and not empty:
                yield Unread(0, "no WARC records", 0)
    except (OSError, ReadError) as error:
        yield Unread(number, explain(error), 0)


def _document(number: int, record: WarcRecord, columns: Columns) -> Record | Unread:
    if record.state in _STATES:
        return Unread(number, _STATES[record.state], record.size)
    try:
        page = _page(record, columns.limit)
        text = _text(page, columns)
    except ReadError as error:
        return Unread(number, error.reason, record.size)
    asked = {name: record.headers.get(name.lower()) for name in columns.config.columns.values()}
    url, metadata = columns.about({"url": _target(record)} | asked)
    date = {"date": record.headers["warc-date"][:40]} if "warc-date" in record.headers else {}
    return Record(number, text, len(page.body), columns.config.content or "prose", alone=True, url=url, metadata=date | metadata)


def _target(record: WarcRecord) -> str:
    return record.headers.get("warc-target-uri", "").removeprefix("<").removesuffix(">")


def _page(record: WarcRecord, limit: int) -> Response:
    declared = record.headers.get("content-type", "")
    content_type = declared.partition(";")[0].strip().lower()
    if content_type == "application/http" or (record.kind == "response" and record.block.startswith(b"HTTP/")):
        return response(record.block, limit)
    return Response(_OK, content_type, charset_of(declared), record.block)


def _text(page: Response, columns: Columns) -> str:
    if page.status != _OK:
        raise ReadError("HTTP status not 200")
    if len(page.body) > columns.limit:
        raise ReadError(TOO_LARGE)
    if not page.body.strip():
        raise ReadError("empty page")
    if page.content_type in HTML or (not page.content_type and looks_like_html(page.body)):
        return main_text(page.body, page.charset, columns.config)
    if page.content_type in ("", "text/plain") and not is_binary(page.body):
        return decode(page.body)
    raise ReadError("no page")
