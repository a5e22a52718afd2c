"""Extraction under limits: a child process per worker does it, and is killed and replaced when a page takes too long, too much
memory, or the parser with it. An alarm inside the worker would not do: it does not reach into a loop in C.

The limit counts the child's CPU time, so that whether a page is given up hardly depends on how busy the machine is; waiting beyond
a multiple of it is ended too.
"""

import atexit
import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from typing import IO

from raylm.corpus.extract.child import EMPTY, FAILED, LENGTH
from raylm.corpus.files.errors import ReadError

SLOW, BROKEN, NOTHING = "extraction took too long", "extraction failed", "no main text"
MEMORY = 3 << 30
"""Bytes of address space of a child, its libraries included."""
TEXT_LIMIT = 100 * 2**20
"""Bytes of text that a page may give."""
_START_SECONDS = 120.0
_STEP = 1 << 20


class _LostError(Exception):
    """The child did not answer: it ended, or, if `slow`, time ran out."""

    def __init__(self, slow: bool) -> None:
        super().__init__()
        self.slow = slow


class _KilledError(ReadError):
    """The child was killed, and not by us."""


@dataclass
class Sandbox:
    """A child process that extracts the main text of pages, one at a time, whoever asks."""

    extractor: str
    seconds: float
    """CPU time for a page."""
    patience: float = 5.0
    """How many times as long a page may take by the clock."""
    memory: int = MEMORY
    _child: subprocess.Popen[bytes] | None = None
    _owner: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _said: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    """What the child says on its standard error until it is ready."""

    def text(self, html: str) -> str:
        """Return the main text of a page.

        Raises:
            ReadError: there is none, or it could not be had within the limits.
        """
        page = html.encode("utf-8", "replace")
        with self._lock:
            try:
                state, text = self._asked(page)
            except _KilledError:  # by somebody else, as when the machine's memory ran out; that says nothing of the page
                state, text = self._asked(page)
        if state == FAILED:
            raise ReadError(BROKEN, len(page))
        if state == EMPTY:
            raise ReadError(NOTHING, len(page))
        return text.decode("utf-8", "replace")

    def _asked(self, page: bytes) -> tuple[bytes, bytes]:
        child = self._running()
        deadline = time.monotonic() + self.seconds * self.patience + 1
        try:
            self._send(child, len(page).to_bytes(LENGTH, "big") + page, deadline)
            return self._answer(child, deadline)
        except _LostError as lost:
            self._end()
            if child.returncode == -signal.SIGKILL and not lost.slow:
                raise _KilledError(BROKEN, len(page)) from None
            slow = lost.slow or child.returncode == -signal.SIGPROF
            raise ReadError(SLOW if slow else BROKEN, len(page)) from None

    def close(self) -> None:
        """End the child; the next page starts another."""
        with self._lock:
            self._end()

    def _running(self) -> subprocess.Popen[bytes]:
        """Return the child, started anew if there is none, if it has ended, or if it is another process's: this one was forked."""
        if self._child is None or self._owner != os.getpid() or self._child.poll() is not None:
            if self._owner == os.getpid():
                self._end()
            environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "OMP_NUM_THREADS": "1"}
            self._child = subprocess.Popen(
                [sys.executable, "-m", "raylm.corpus.extract.child", self.extractor, repr(self.seconds), str(self.memory)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, bufsize=0, env=environment)
            self._owner = os.getpid()
            for stream in (self._child.stdin, self._child.stdout):
                os.set_blocking(stream.fileno(), False)  # type: ignore[union-attr]
            try:
                self._answer(self._child, time.monotonic() + _START_SECONDS)
            except _LostError:
                self._end()
                self._said.seek(0)
                lines = self._said.read().decode("utf-8", "replace").split("\n")
                reason = next((line for line in reversed(lines) if line.strip()), "no word of why")
                raise RuntimeError(f"the process that extracts text ({self.extractor}) does not start: {reason}") from None
        return self._child

    def _send(self, child: subprocess.Popen[bytes], data: bytes, deadline: float) -> None:
        pipe, view = child.stdin.fileno(), memoryview(data)  # type: ignore[union-attr]
        while view:
            _wait(pipe, select.POLLOUT, deadline)
            try:
                view = view[os.write(pipe, view[:_STEP]) :]
            except BlockingIOError:
                continue
            except OSError:
                raise _LostError(slow=False) from None

    def _answer(self, child: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, bytes]:
        head = self._receive(child, 1 + LENGTH, deadline)
        size = int.from_bytes(head[1:], "big")
        if size > TEXT_LIMIT:
            raise _LostError(slow=False)
        return head[:1], self._receive(child, size, deadline)

    def _receive(self, child: subprocess.Popen[bytes], size: int, deadline: float) -> bytes:
        pipe, parts = child.stdout.fileno(), bytearray()  # type: ignore[union-attr]
        while len(parts) < size:
            _wait(pipe, select.POLLIN, deadline)
            try:
                part = os.read(pipe, min(size - len(parts), _STEP))
            except BlockingIOError:
                continue
            if not part:
                raise _LostError(slow=False)
            parts += part
        return bytes(parts)

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        if child.stdout and child.stdin:
            child.stdin.close()
            child.stdout.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.2)  # it may be ending by itself, and how it ended tells why
        if child.poll() is None:
            child.kill()
            child.wait()


def _wait(pipe: int, event: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(pipe, event)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise _LostError(slow=True)


_SANDBOXES: dict[tuple[str, float], Sandbox] = {}


def sandbox(extractor: str, seconds: float) -> Sandbox:
    """Return this process's sandbox for an extractor and a limit, one for all who ask; its child ends with this process."""
    key = (extractor, seconds)
    if key not in _SANDBOXES:
        _SANDBOXES[key] = Sandbox(extractor, seconds)
        atexit.register(_SANDBOXES[key].close)
    return _SANDBOXES[key]
