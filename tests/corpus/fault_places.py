"""What is in a folder and is no ordinary file, or has no ordinary name."""

import gzip
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from fault import (
    EMPTY,
    GOOD_LINE,
    SENTENCE,
    Fault,
    data,
)


def place_faults() -> Iterator[Fault]:
    """What is in a folder and is no ordinary file. A name is text here, as `os.fsdecode` gives it."""
    yield Fault("dangling.txt", "places", lambda path: path.symlink_to("nowhere"), 0, ("unreadable: no such file",))
    yield Fault("itself.txt", "places", lambda path: path.symlink_to(path.name), 0, ("unreadable: symbolic link loop",))
    yield Fault("empty.txt", "places", data(b""), 0, (EMPTY,))
    yield Fault("a\nname\twith\x1blines.txt", "places", data(SENTENCE), 1)
    yield Fault(os.fsdecode(b"no-utf-8-\xff\xfe\x80.txt"), "places", data(SENTENCE), 1)
    yield Fault("ä" * 123 + "name.txt", "places", data(SENTENCE), 1)
    yield Fault("%2e%2e#?*[x].txt", "places", data(SENTENCE), 1)
    yield Fault("-rf --.txt", "places", data(SENTENCE), 1)
    yield Fault("\u202etxt.exe", "places", data(SENTENCE), 1)
    yield Fault("no ending", "places", data(SENTENCE), 1)
    yield Fault("two.endings.gz.txt", "places", data(SENTENCE), 1)
    yield Fault("packed.txt", "places", data(gzip.compress(SENTENCE)), 1)
    yield Fault("UPPER.JSONL.GZ", "places", data(gzip.compress(GOOD_LINE)), 1)


def not_files(folder: Path) -> list[Path]:
    """Make a named pipe, a socket and links to devices in a folder: who opens them waits, or reads, for ever."""
    pipe, listening, zero, terminal = (folder / name for name in ("pipe.txt", "socket.txt", "zero.jsonl", "full.txt"))
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as bound:
        here = Path.cwd()
        os.chdir(folder)  # the path of a socket may be some hundred characters
        bound.bind(listening.name)
        os.chdir(here)
    zero.symlink_to("/dev/zero")
    terminal.symlink_to("/dev/full")
    return [pipe, listening, zero, terminal]
