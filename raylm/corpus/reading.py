"""From a file to its text, or to the reason why it has none.

Whatever is wrong with a file (unreadable, empty, truncated, binary, in an encoding that cannot be told) costs that file and is
named in a few fixed words, so that the reasons can be counted.
"""

from pathlib import Path

from raylm.corpus.encoding import BYTE_ORDER_MARKS, decode
from raylm.corpus.files import ReadError, explain, opened, unpacked

__all__ = ["FILE_LIMIT", "TOO_LARGE", "ReadError", "decode", "explain", "is_binary", "read_file"]

FILE_LIMIT = 100 * 2**20
"""Bytes (after decompression) above which a file, or a row of one, is no single document: it would fill a worker's memory."""
TOO_LARGE = "larger than a document may be"
"""The reason for what exceeds it."""
HEAD = 8192
"""Bytes that tell what is text from what is not."""


def read_file(address: str | Path, limit: int = FILE_LIMIT, anonymous: bool = False, binary: bool = False) -> bytes:
    """Return a file's bytes, unpacked if it is packed.

    Raises:
        ReadError: it cannot be read, is empty, damaged, larger than `limit`, or, unless `binary`, holds NUL bytes without being
            UTF-16 or UTF-32.
    """
    packed = 0
    try:
        with opened(address, anonymous) as raw, unpacked(raw, str(address)) as stream:
            packed = size_of(address)
            head = stream.read(HEAD)
            if not binary and is_binary(head):
                raise ReadError("binary", packed)
            data = head + stream.read(limit + 1 - len(head)) if len(head) == HEAD else head
    except (ReadError, OSError) as error:
        raise ReadError(explain(error), packed) from None
    if not data:
        raise ReadError("empty file")
    if len(data) > limit:
        raise ReadError(TOO_LARGE, packed)
    if not binary and is_binary(data):
        raise ReadError("binary", len(data))
    return data


def size_of(address: str | Path) -> int:
    """Return the size of a local file, 0 where it cannot be had."""
    try:
        return 0 if "://" in str(address) else Path(address).stat().st_size
    except OSError:
        return 0


def is_binary(data: bytes) -> bool:
    """Whether bytes hold a NUL that no byte order mark explains."""
    return b"\0" in data and not data.startswith(tuple(mark for mark, _ in BYTE_ORDER_MARKS[1:]))
