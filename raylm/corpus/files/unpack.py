"""What is packed comes out unpacked, as a stream: gzip, bzip2 and zstd, by name, or by the first bytes where the name says nothing.

Memory is a few buffers, whatever the file claims to hold. What is broken is one of three fixed reasons for each format: cut off,
damaged, or a bomb, which unpacks to more than text ever does.
"""

import bz2
import gzip
import io
import zlib
from typing import Any, BinaryIO, cast

from raylm.corpus.files.errors import ReadError

PACKED = {".gz": "gzip", ".bz2": "bzip2", ".zst": "zstd"}
_MAGIC = {b"\x1f\x8b\x08": "gzip", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd"}
SLACK = 128 << 20
"""Bytes that any file may unpack to, and"""
RATIO = 200
"""how many times its packed size it may beyond that. Text packs to a tenth, logs of one line to a hundredth; bombs to less than a
thousandth, and as zstd to less than a ten-thousandth."""
_BUFFER = 1 << 18
_PIECE = 1 << 13
"""Bytes that Arrow is asked for at a time: where a file is damaged, so many before the place may be lost."""


def bare_name(name: str) -> str:
    """Return a file's name in lower case without the ending that says how it is packed."""
    lower = name.lower()
    return next((lower.removesuffix(ending) for ending in PACKED if lower.endswith(ending)), lower)


def unpacked(raw: BinaryIO, name: str) -> "io.BufferedReader[Any]":
    """Return a stream of what a file holds.

    Args:
        raw: The file, opened; closed with the stream.
        name: Its name. Where it says nothing, the first bytes do.
    """
    packing = next((PACKED[ending] for ending in PACKED if name.lower().endswith(ending)), None)
    buffered: io.BufferedReader[Any] = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, raw))
    packing = packing or next((kind for magic, kind in _MAGIC.items() if buffered.peek(8).startswith(magic)), None)
    return io.BufferedReader(_Unpacked(buffered, packing), _BUFFER) if packing else buffered


class _Unpacked(io.RawIOBase):
    """The bytes in a packed file, counted against those that they came from."""

    def __init__(self, raw: "io.BufferedReader[Any]", packing: str) -> None:
        self._raw, self._packing, self._made = raw, packing, 0
        self._inner: gzip.GzipFile | bz2.BZ2File | _Zstd
        if packing == "gzip":
            self._inner = gzip.GzipFile(fileobj=raw)
        else:
            self._inner = bz2.BZ2File(raw) if packing == "bzip2" else _Zstd(raw)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            got = self._inner.readinto1(buffer)  # what comes before a damaged place is not lost with it
        except EOFError:
            raise ReadError(f"truncated {self._packing}") from None
        except (gzip.BadGzipFile, zlib.error, ValueError):
            raise ReadError(f"damaged {self._packing}") from None
        except OSError as error:
            if error.errno:  # of the disk or the network, not of the format
                raise
            raise ReadError(f"damaged {self._packing}") from None
        self._made += got
        if self._made > SLACK and self._made > SLACK + RATIO * self._raw.tell():
            raise ReadError("decompression bomb")
        return got

    def close(self) -> None:
        self._inner.close()
        self._raw.close()
        super().close()


class _Zstd:
    """A zstd file of one or many frames. Arrow's stream notices one that was cut off, which the zstandard package's does not."""

    def __init__(self, raw: "io.BufferedReader[Any]") -> None:
        import pyarrow as pa

        self._stream = pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd")

    def readinto1(self, buffer: memoryview) -> int:
        try:
            data = self._stream.read(min(len(buffer), _PIECE))
        except OSError as error:
            raise (EOFError() if "Truncated" in str(error) else error) from None
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
