"""A file on an HTTP(S) server as a raw stream: read on from where a lost connection stopped, seekable through range requests.

A crawl archive of a gigabyte does not arrive in one piece through every network; asking again for the rest costs nothing, starting
anew costs the gigabyte.
"""

import errno
import http.client
import io
import os
import time
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

TRIES = 5
"""Attempts without a byte of progress before a file counts as unreachable."""
_SECONDS = 60.0
_PAUSE = 0.5
_ERRNO = {401: errno.EACCES, 403: errno.EACCES, 404: errno.ENOENT, 410: errno.ENOENT}
_AGAIN = frozenset((408, 425, 429, 500, 502, 503, 504))


def _ask(url: str, method: str = "GET", start: int = 0) -> http.client.HTTPResponse:
    """Send one request.

    Raises:
        OSError: with an errno: no such file, permission denied, or, worth another attempt, `ECONNRESET`.
    """
    headers = {"Accept-Encoding": "identity", "User-Agent": "raylm"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        response: http.client.HTTPResponse = urlopen(Request(url, headers=headers, method=method), timeout=_SECONDS)  # noqa: S310
        return response
    except HTTPError as error:
        error.close()
        if error.code in _AGAIN:
            raise ConnectionResetError(errno.ECONNRESET, f"HTTP status {error.code}") from None
        raise OSError(_ERRNO.get(error.code, errno.EIO), f"HTTP status {error.code}") from None
    except (URLError, http.client.HTTPException, OSError) as error:
        raise ConnectionResetError(errno.ECONNRESET, str(error)) from None


def _patiently(url: str, method: str = "GET", start: int = 0) -> http.client.HTTPResponse:
    for attempt in range(TRIES):
        try:
            return _ask(url, method, start)
        except ConnectionResetError:
            if attempt == TRIES - 1:
                raise
            time.sleep(_PAUSE * 2**attempt)
    raise AssertionError


def describe(url: str) -> tuple[int, int]:
    """Return a file's size in bytes (0 if the server does not say) and a number that changes when it does.

    Raises:
        OSError: there is no such file, or the server cannot be reached.
    """
    with _patiently(url, "HEAD") as response:
        size = int(response.headers.get("Content-Length") or 0)
        modified, tag = response.headers.get("Last-Modified"), response.headers.get("ETag")
    if modified:
        try:
            return size, int(parsedate_to_datetime(modified).timestamp()) * 10**9
        except (ValueError, TypeError, OverflowError):
            pass
    return size, int.from_bytes(blake2b((tag or "").encode(), digest_size=7).digest(), "big")


class HttpFile(io.RawIOBase):
    """One file on a server."""

    def __init__(self, url: str) -> None:
        """Ask for the file.

        Raises:
            OSError: there is no such file, or the server cannot be reached.
        """
        self.url, self._position = url, 0
        self._response: http.client.HTTPResponse | None = _patiently(url)
        length = self._response.headers.get("Content-Length")
        self._size = int(length) if length and length.isdigit() else None

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def seekable(self) -> bool:
        """Whether it can be read from anywhere; the server may still refuse."""
        return self._size is not None

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to another place; the next read asks for it."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size or 0}[whence]
        if base + offset != self._position:
            self._drop()
            self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read some bytes; after a lost connection ask for the rest.

        Raises:
            OSError: the server does not answer any more, or cannot send the rest alone.
        """
        if self._size is not None and self._position >= self._size:
            return 0
        for attempt in range(TRIES):
            try:
                got = self._some(buffer)
            except ConnectionResetError:
                self._drop()
                if attempt == TRIES - 1:
                    raise
                time.sleep(_PAUSE * 2**attempt)
            else:
                self._position += got
                return got
        raise AssertionError

    def _some(self, buffer: memoryview) -> int:
        if self._response is None:
            response = _ask(self.url, start=self._position)
            if self._position and response.status != http.client.PARTIAL_CONTENT:
                response.close()
                raise OSError(errno.EIO, "the server does not send parts of a file")
            self._response = response
        try:
            got = self._response.readinto(buffer)
        except (http.client.HTTPException, OSError) as error:
            raise ConnectionResetError(errno.ECONNRESET, str(error)) from None
        if not got and self._size is not None:
            raise ConnectionResetError(errno.ECONNRESET, "the connection ended before the file did")
        return got

    def _drop(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response = None

    def close(self) -> None:
        """End the connection."""
        self._drop()
        super().close()
