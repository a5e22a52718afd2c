"""Opening a file by its address: a local path, the URI of an object store that pyarrow reaches, or an http(s) URL.

Whatever it is, a buffered, seekable binary stream comes back, so that no reader of a format knows where its bytes come from.
"""

import errno
import io
import os
import stat
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from raylm.corpus.files.http_file import HttpFile
from raylm.errors import UserError

if TYPE_CHECKING:
    from pyarrow import fs

HTTP = ("http://", "https://")
_REMOTE_BUFFER = 4 << 20
"""Bytes asked of an object store at a time; each costs a request."""


def is_remote(address: str) -> bool:
    """Whether an address is a URI and no local path."""
    return "://" in address


def opened(address: str | Path, anonymous: bool = False) -> BinaryIO:
    """Open a file for reading.

    Args:
        address: Local path, URI or URL.
        anonymous: Whether to ask an object store without credentials.

    Raises:
        OSError: it cannot be opened.
    """
    text = os.fspath(address)
    if not is_remote(text):
        return _on_disk(text)
    if text.startswith(HTTP):
        return io.BufferedReader(HttpFile(text), 1 << 18)
    filesystem, path = store(text, anonymous)
    return io.BufferedReader(_StoreFile(filesystem, path), _REMOTE_BUFFER)


def _on_disk(path: str) -> BinaryIO:
    """Open a local file, and nothing that is none: a pipe would be waited for, a device read, for ever."""
    stream = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
    mode = os.fstat(stream.fileno()).st_mode
    if stat.S_ISREG(mode):
        return stream
    stream.close()
    raise OSError(errno.ENODEV, "no regular file", path)


def store(uri: str, anonymous: bool = False) -> "tuple[fs.FileSystem, str]":
    """Return the filesystem of an object store and the path within it that a URI means.

    Raises:
        UserError: no pyarrow filesystem has this scheme, or the store cannot be asked at all.
    """
    scheme, _, rest = uri.partition("://")
    authority, _, path = rest.partition("/")
    try:
        filesystem, root = _filesystem(scheme, authority, anonymous)
        return filesystem, (root + path).rstrip("/") or root
    except (ValueError, OSError, NotImplementedError) as error:
        raise UserError(f"{uri}: not a place that can be reached ({str(error).splitlines()[0]})") from None


@cache
def _filesystem(scheme: str, authority: str, anonymous: bool) -> "tuple[fs.FileSystem, str]":
    """Return the filesystem of a store, and what its paths begin with there: the bucket or container, if the store has them.

    Once for all files, for S3 is asked where the bucket is; and a file's name may hold what a URI may not.
    """
    from pyarrow import fs

    bucket = authority.rpartition("@")[2]
    if scheme == "s3" and anonymous:
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        return fs.S3FileSystem(anonymous=True, region=_region(bucket, endpoint), endpoint_override=endpoint), f"{bucket}/"
    if scheme in ("gs", "gcs") and anonymous:
        return fs.GcsFileSystem(anonymous=True), f"{bucket}/"
    if anonymous:
        raise ValueError("only s3:// and gs:// are read anonymously")
    filesystem, path = fs.FileSystem.from_uri(f"{scheme}://{authority}/x")
    return filesystem, path.removesuffix("x")


def _region(bucket: str, endpoint: str | None) -> str | None:
    """Return the region to ask: the environment's, or the bucket's own, which S3 tells anybody."""
    from pyarrow import fs

    given = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return given if given or endpoint else str(fs.resolve_s3_region(bucket))


class _StoreFile(io.RawIOBase):
    """A file of an object store as Python's raw stream; pyarrow's own has no buffering and no `readline`."""

    def __init__(self, filesystem: "fs.FileSystem", path: str) -> None:
        self._file = filesystem.open_input_file(path)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return int(self._file.readinto(buffer))

    def close(self) -> None:
        self._file.close()
        super().close()
