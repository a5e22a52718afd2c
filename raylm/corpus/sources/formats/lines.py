"""Lines of a stream, in memory for one line of bounded length; a longer one is passed over, however long it is."""

import io
import math
from collections.abc import Iterator

PATIENCE = 16
"""Lines of the greatest length that are unpacked to get past longer ones in one packed file; beyond that its rest is left unread,
as a few megabytes may unpack to as many gigabytes."""
_CHUNK = 1 << 20


def bounded_lines(stream: io.BufferedReader, limit: int, packed: bool) -> Iterator[tuple[bytes | None, int]]:
    """Yield each line with its line end, or None for one that is longer than `limit` bytes, and its length in bytes.

    Raises:
        ReadError, OSError: the stream cannot be read on.
    """
    patience = PATIENCE * limit if packed else math.inf
    while patience > 0 and (line := stream.readline(limit + 1)):
        if len(line) <= limit:
            yield line, len(line)
            continue
        size, ended = len(line), line.endswith(b"\n")
        del line
        while not ended and size - limit <= patience and (part := stream.readline(_CHUNK)):
            size, ended = size + len(part), part.endswith(b"\n")
        patience -= size
        yield None, size
