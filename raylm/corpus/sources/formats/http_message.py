"""An HTTP response as a crawler wrote it down: its status, type and charset, and its body without the wrappings of the way."""

import re
import zlib
from dataclasses import dataclass

from raylm.corpus.files import ReadError

BROKEN = "broken HTTP response"
_HEAD_LIMIT = 1 << 18
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)?\s+(\d{3})\b")
_END = re.compile(rb"\r?\n\r?\n")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_CHUNK = re.compile(rb"\s*([0-9a-fA-F]{1,15})[^\r\n]{0,1000}\r?\n")


@dataclass(frozen=True)
class Response:
    """What a server answered."""

    status: int
    content_type: str
    """In lower case without parameters; "" if it does not say."""
    charset: str | None
    body: bytes


def charset_of(content_type: str) -> str | None:
    """Return the charset in the value of a `Content-Type` field."""
    found = _CHARSET.search(content_type)
    return found[1] if found else None


def response(message: bytes, limit: int) -> Response:
    """Take a response apart. A body that is not wrapped as its header says is taken as it is: many crawlers unwrap it and keep the
    header.

    Args:
        message: Status line, header and body.
        limit: Bytes that an unpacked body may have; more are cut off by one above it.

    Raises:
        ReadError: it is no response, or its body is damaged.
    """
    status, end = _STATUS.match(message), _END.search(message, 0, _HEAD_LIMIT)
    if not status or not end:
        raise ReadError(BROKEN, len(message))
    fields: dict[str, str] = {}
    for line in message[: end.start()].decode("latin-1").splitlines()[1:]:
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    body = message[end.end() :]
    if "chunked" in fields.get("transfer-encoding", "").lower():
        body = _joined(body)
    for packing in reversed(fields.get("content-encoding", "").lower().split(",")):
        body = _unwrapped(body, packing.strip(), limit)
    declared = fields.get("content-type", "")
    return Response(int(status[1]), declared.partition(";")[0].strip().lower(), charset_of(declared), body)


def _joined(body: bytes) -> bytes:
    """Join the chunks of a body (RFC 9112); what does not look like chunks stays as it is."""
    parts, position = [], 0
    while (head := _CHUNK.match(body, position)) and (size := int(head[1], 16)):
        parts.append(body[head.end() : head.end() + size])
        position = head.end() + size
    return b"".join(parts) if parts else body


def _unwrapped(body: bytes, packing: str, limit: int) -> bytes:
    gzipped = body.startswith(b"\x1f\x8b")
    if packing in ("gzip", "x-gzip") and gzipped:
        return _inflated(body, zlib.MAX_WBITS | 16, limit)
    if packing == "deflate" and not body.lstrip().startswith(b"<"):
        zlib_header = len(body) > 1 and body[0] & 15 == 8 and int.from_bytes(body[:2], "big") % 31 == 0
        return _inflated(body, zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS, limit)
    if packing in ("br", "zstd") and not body.lstrip().startswith(b"<"):
        import pyarrow as pa

        try:
            with pa.CompressedInputStream(pa.BufferReader(body), "brotli" if packing == "br" else "zstd") as stream:
                return bytes(stream.read(limit + 1))
        except OSError:
            raise ReadError(BROKEN, len(body)) from None
    return body


def _inflated(body: bytes, bits: int, limit: int) -> bytes:
    unpacker = zlib.decompressobj(bits)
    try:
        return unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise ReadError(BROKEN, len(body)) from None
