"""What a failed stage says to the user: one line, with a storage that takes no more writing told apart from our own bugs."""

import errno
import re
import shutil
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from raylm.errors import UserError
from raylm.storage import Folder

LONGEST = 400
"""Most characters of a line."""
SCARCE = 8 << 20
"""Free bytes below which a disk is taken to be the reason of any failure; libraries hide the system's own error."""
REFUSALS = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up",
            errno.EROFS: "the filesystem is read-only", errno.EACCES: "writing is not allowed", errno.EPERM: "writing is not allowed"}


def explain(error: BaseException, storage: Folder) -> str:
    """Return the first useful line of an error, which may have crossed Ray and be wrapped with its worker's traceback.

    Args:
        error: what a stage raised.
        storage: where the run writes; named, with the way on, if it is what failed.
    """
    error = root_cause(error)
    refusal = refused_by(error, storage)
    if refusal:
        return refusal
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    if isinstance(error, UserError):
        return lines[0] if lines else "failed"
    return f"{type(error).__name__}: {lines[-1] if lines else 'no message'}"[:LONGEST]


def root_cause(error: BaseException) -> BaseException:
    """Return the error of the worker that failed first, without what Ray wrapped around it."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, BaseException):
        return root_cause(cause)
    failures = getattr(error, "worker_failures", None)
    return root_cause(next(iter(failures.values()))) if failures else error


def refused_by(error: BaseException, storage: Folder) -> str | None:
    """Return what to say if the storage did not take what was written; None if the error is another one."""
    if isinstance(error, UserError):
        return None
    number = _errno(error)
    if number in REFUSALS and (number in (errno.ENOSPC, errno.EDQUOT) or storage.uri in str(error)):
        reason = REFUSALS[number]
    elif storage.is_local and _free(storage) < SCARCE:
        reason = REFUSALS[errno.ENOSPC]
    else:
        return None
    free = f" ({_free(storage) / 1e6:.1f} MB free)" if storage.is_local else ""
    return (f"{storage.uri}{free}: {reason}; make room or use --set storage=PATH, "
            "then the same command goes on from the last thing it finished")


@contextmanager
def writing_to(storage: Folder) -> Iterator[None]:
    """Turn a system error within the block, which only reads and writes the storage, into a line for the user.

    Raises:
        UserError: the storage is full, read-only, not ours to write to, or no place for a folder.
    """
    try:
        yield
    except OSError as error:
        refusal = refused_by(error, storage) or f"{storage.uri}: cannot be used as storage ({_short(error)}); use --set storage=PATH"
        raise UserError(refusal) from None


def keep_traceback(folder: Folder, stage: str) -> str | None:
    """Write the traceback being handled below a run's folder and return its path; None where nothing can be written."""
    try:
        log = folder.child("errors").create()
        log.write_bytes(f"{stage}.txt", traceback.format_exc().encode())
    except OSError:
        return None
    return log.file(f"{stage}.txt")


def _short(error: OSError) -> str:
    return str(error.strerror or error).splitlines()[0][:LONGEST // 2]


def _errno(error: BaseException) -> int | None:
    """The system's error number; pyarrow and Ray may leave it in the text only (`[errno 28]`, `No space left on device`)."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    found = re.search(r"\[errno (\d+)\]", str(error), re.IGNORECASE)
    if found:
        return int(found.group(1))
    return errno.ENOSPC if "No space left on device" in str(error) else None


def _free(storage: Folder) -> int:
    try:
        return shutil.disk_usage(storage.uri).free
    except OSError:
        return SCARCE
