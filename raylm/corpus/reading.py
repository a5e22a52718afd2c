"""From a file to its text, or to the reason why it has none.

Whatever is wrong with a file (unreadable, empty, truncated, binary, in an encoding that cannot be told) costs that file and is
named in a few fixed words, so that the reasons can be counted. Nothing here guesses an encoding by statistics: UTF-8, a byte
order mark, Python's own declaration, and one plausible single-byte fallback.
"""

import codecs
import errno
import gzip
import io
import tokenize
import zlib
from itertools import pairwise
from pathlib import Path

FILE_LIMIT = 64 * 2**20
"""Bytes (after decompression) above which a file is no single document: one row would fill a worker's memory."""
TOO_LARGE = "larger than a document may be"
"""The reason for what exceeds it."""

_BYTE_ORDER_MARKS = (  # UTF-32's begin with UTF-16's, so they come first
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ERRNO_REASONS = {
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENOENT: "no such file",
    errno.ELOOP: "symbolic link loop",
    errno.EISDIR: "is a folder",
}


class ReadError(Exception):
    """A file that gives no text; `reason` is one of a few fixed phrases."""

    def __init__(self, reason: str, raw_bytes: int = 0) -> None:
        """Say why, and how many bytes were seen."""
        super().__init__(reason)
        self.reason, self.raw_bytes = reason, raw_bytes


def explain(error: BaseException) -> str:
    """Put an error of reading into the fixed words used as a reason."""
    if isinstance(error, EOFError):
        return "truncated gzip"
    if isinstance(error, gzip.BadGzipFile | zlib.error):
        return "damaged gzip"
    if isinstance(error, OSError):
        return f"unreadable: {_ERRNO_REASONS.get(error.errno or 0, 'input/output error')}"
    return "unreadable: input/output error"


def read_file(path: Path, limit: int = FILE_LIMIT) -> bytes:
    """Return a file's bytes, decompressed if its name ends in .gz.

    Raises:
        ReadError: it cannot be read, is empty, damaged, larger than `limit`, or holds NUL bytes without being UTF-16 or UTF-32.
    """
    try:
        with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as stream:
            head = stream.read(8192)
            if is_binary(head):
                raise ReadError("binary", path.stat().st_size)
            data = head + stream.read(limit + 1 - len(head))
    except (OSError, EOFError, zlib.error) as error:
        raise ReadError(explain(error), _size(path)) from None
    if not data:
        raise ReadError("empty file")
    if len(data) > limit:
        raise ReadError(TOO_LARGE, _size(path))
    if is_binary(data):
        raise ReadError("binary", len(data))
    return data


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def is_binary(data: bytes) -> bool:
    """Whether bytes hold a NUL that no byte order mark explains."""
    return b"\0" in data and not data.startswith(tuple(mark for mark, _ in _BYTE_ORDER_MARKS[1:]))


def decode(data: bytes, python: bool) -> str:
    """Return the text in `data`: by byte order mark, as UTF-8, by Python's declaration (PEP 263), else as plausible Windows-1252.

    Raises:
        ReadError: none of these fits.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _strict(data, encoding)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    declared = _declared(data) if python else None
    if declared:
        return _strict(data, declared)
    text = _strict(data, "cp1252")
    if not _plausible(text):
        raise ReadError("unknown encoding", len(data))
    return text


def _strict(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):
        raise ReadError("unknown encoding", len(data)) from None


def _declared(data: bytes) -> str | None:
    """Return the encoding that a Python file declares in its first two lines, if that is an encoding of text."""
    try:
        encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    except (SyntaxError, UnicodeError):
        return None
    return None if encoding.startswith("utf-8") else encoding


def _plausible(text: str) -> bool:
    """Whether Windows-1252 gave text: western European accents stand alone among ASCII; other encodings' bytes come in runs."""
    foreign = [character for character in text if character > "\x7f"]
    letters = sum(character.isalpha() for character in foreign)
    neighbours = sum(a > "\x7f" and b > "\x7f" for a, b in pairwise(text))
    return len(foreign) <= 0.2 * len(text) and letters >= 0.5 * len(foreign) and neighbours <= 0.3 * len(foreign) + 1
