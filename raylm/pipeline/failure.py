"""What a failed stage says to the user: one line, with a disk that takes no more writing told apart from our own bugs."""

import errno
import re
import shutil
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from raylm.errors import UserError, cut_off
from raylm.storage import Folder

LONGEST = 400
"""Most characters of a line."""
SCARCE = 8 << 20
"""Free bytes below which a disk is taken to be the reason of any failure; libraries hide the system's own error."""
FULL = (errno.ENOSPC, errno.EDQUOT)
REFUSALS = {
    errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up", errno.EROFS: "the filesystem is read-only",
    errno.EACCES: "writing is not allowed", errno.EPERM: "writing is not allowed"}
"""What a refusal is called, by the system's error number."""
SHARED_MEMORY = "/dev/shm"  # noqa: S108  a mount, not a temporary file


def explain(error: BaseException, storage: Folder) -> str:
    """Return the first useful line of an error, which may have crossed Ray and be wrapped with its worker's traceback.

    Args:
        error: what a stage raised.
        storage: where the run writes; named, with the way on, if it is what failed.
    """
    error = root_cause(error)
    if isinstance(error, UserError):
        return (_lines(error) or ["failed"])[0]
    refusal = refused_by(error, storage)
    if refusal:
        return refusal
    lines = _lines(error) or ["no message"]
    # A validator lists the wrong values and ends with a link; any other error crossed Ray with its own text last.
    useful = " ".join(lines[:3]) if type(error).__name__ == "ValidationError" else lines[-1]
    return f"{type(error).__name__}: {useful}"[:LONGEST]


def root_cause(error: BaseException) -> BaseException:
    """Return the error that came first, without what Ray, or we (`raise ... from`), wrapped around it."""
    failures = getattr(error, "worker_failures", None)
    # When one worker fails, the others lose their connections to it, and may be the first to say so.
    wrapped = min(failures.values(), key=cut_off) if failures else getattr(error, "cause", None)
    if wrapped is None and not isinstance(error, UserError):  # which says what its cause means; Ray's copy of one does not
        wrapped = error.__cause__
    return root_cause(wrapped) if isinstance(wrapped, BaseException) else error


def refused_by(error: BaseException, storage: Folder) -> str | None:
    """Return what to say if a disk did not take what was written, with the way on; None if the error is another one."""
    number, place = _errno(error), _place(error, storage)
    if number in REFUSALS and (number in FULL or place == storage.uri):
        reason = REFUSALS[number]
    elif place and _free(place) < SCARCE:
        reason = REFUSALS[errno.ENOSPC]
    else:
        return None
    remedies = {storage.uri: "make room or use --set storage=PATH", SHARED_MEMORY: "give the container more (--shm-size)",
                tempfile.gettempdir(): "make room or set TMPDIR to another disk"}
    where = _with_free(place) if place else f"one of {', '.join(map(_with_free, remedies))}"
    remedy = remedies.get(place or storage.uri, "make room")
    return f"{where}: {reason}; {remedy}, then the same command goes on from the last thing it finished"


@contextmanager
def writing_to(storage: Folder) -> Iterator[None]:
    """Turn a system error within the block, which only reads and writes the storage, into a line for the user.

    Raises:
        UserError: the storage is full, read-only, not ours to write to, or no place for a folder.
    """
    try:
        yield
    except OSError as error:
        unusable = f"{storage.uri}: cannot be used as storage ({_short(error)}); use --set storage=PATH"
        raise UserError(refused_by(error, storage) or unusable) from None


def keep_traceback(folder: Folder, stage: str) -> str | None:
    """Write the traceback being handled below a run's folder and return its path; None where nothing can be written."""
    try:
        log = folder.child("errors").create()
        log.write_bytes(f"{stage}.txt", traceback.format_exc().encode())
    except OSError:
        return None
    return log.file(f"{stage}.txt")


def _lines(error: BaseException) -> list[str]:
    return [line.strip() for line in str(error).strip().splitlines() if line.strip()]


def _short(error: OSError) -> str:
    return (_lines(OSError(error.strerror or str(error))) or [type(error).__name__])[0][:LONGEST // 2]


def _errno(error: BaseException) -> int | None:
    """The system's error number; pyarrow and Ray may leave it in the text only (`[errno 28]`, `No space left on device`)."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    found = re.search(r"\[errno (\d+)\]", str(error), re.IGNORECASE)
    if found:
        return int(found.group(1))
    return errno.ENOSPC if "No space left on device" in str(error) else None


def _place(error: BaseException, storage: Folder) -> str | None:
    """The disk that an error is about: that of the path it names, else a short one of those a stage writes to; None: who knows."""
    places = [storage.uri, SHARED_MEMORY, tempfile.gettempdir()]
    named = re.search(r"(?:(?<=['\" ])|^)(/[^'\"\n]+)", f"{getattr(error, 'filename', None) or ''} {error}")
    if named:
        path = named.group(1)
        return next((place for place in places if f"{path}/".startswith(f"{place}/")), str(Path(path).parent))
    return next((place for place in places if _free(place) < SCARCE), None)


def _with_free(place: str) -> str:
    return place if "://" in place else f"{place} ({_free(place) / 1e6:.1f} MB free)"


def _free(place: str) -> int:
    """Free bytes; an object store, or a place that is not there or does not say, never is the short one."""
    try:
        usage = shutil.disk_usage(place)
    except OSError:
        return 1 << 62
    return usage.free if usage.total else 1 << 62
