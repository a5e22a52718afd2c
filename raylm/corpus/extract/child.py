"""The child that extracts: pages come in on its standard input, text goes out on its standard output, one after the other.

    python -m raylm.corpus.extract.child EXTRACTOR SECONDS BYTES

A page is its length in bytes (8, big-endian) and its UTF-8. An answer is one byte for how it went, and length and UTF-8 in the same
way. Nothing is unpickled. The child ends when its input does, so it does not outlive its parent; and each page starts a timer of
the process's CPU time that the kernel enforces, so that not even an endless loop in C, whose parent is gone, goes on.
"""

import os
import resource
import signal
import sys
from typing import BinaryIO

OK, EMPTY, FAILED, READY = b"+", b"0", b"-", b"!"
LENGTH = 8


def serve(name: str, seconds: float, memory: int, pages: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the input ends, or until a page has used up the memory.

    Args:
        name: of the extractor.
        seconds: CPU time for a page.
        memory: bytes of address space for the whole process.
    """
    from raylm.corpus.extract import EXTRACTORS

    extractor = EXTRACTORS[name]()
    extractor.load()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    os.dup2(1, 2)  # what keeps us from starting our parent reads; what a library says of pages goes nowhere
    answer(answers, READY, b"")
    while len(length := pages.read(LENGTH)) == LENGTH:
        page = pages.read(int.from_bytes(length, "big"))
        signal.setitimer(signal.ITIMER_PROF, seconds)
        try:
            text = (extractor.extract(page.decode("utf-8", "replace")) or "").encode("utf-8", "replace")
        except MemoryError:
            return  # what is left of the memory is in pieces; that we are gone is the answer
        except Exception:
            answer(answers, FAILED, b"")
        else:
            answer(answers, OK if text.strip() else EMPTY, text)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)


def answer(stream: BinaryIO, state: bytes, text: bytes) -> None:
    """Send one answer."""
    stream.write(state + len(text).to_bytes(LENGTH, "big") + text)
    stream.flush()


def main() -> None:
    """Keep the pipe to the parent for ourselves: what a library prints goes nowhere."""
    pipe = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    with os.fdopen(pipe, "wb") as answers:
        serve(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
