"""Whatever is wrong with a file, in a few fixed words, so that the reasons can be counted."""

import errno

_ERRNO_REASONS = {
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENOENT: "no such file",
    errno.ELOOP: "symbolic link loop",
    errno.EISDIR: "is a folder",
    errno.ENODEV: "no regular file",  # a pipe, a device
    errno.ENXIO: "no regular file",  # a socket
    errno.ECONNRESET: "connection lost",
    errno.ETIMEDOUT: "connection lost",
}


class ReadError(Exception):
    """A file that gives no text; `reason` is one of a few fixed phrases."""

    def __init__(self, reason: str, raw_bytes: int = 0) -> None:
        """Say why, and how many bytes were seen."""
        super().__init__(reason)
        self.reason, self.raw_bytes = reason, raw_bytes


def explain(error: BaseException) -> str:
    """Put an error of reading into the fixed words used as a reason."""
    if isinstance(error, ReadError):
        return error.reason
    if isinstance(error, OSError):
        return f"unreadable: {_ERRNO_REASONS.get(error.errno or 0, 'input/output error')}"
    return "unreadable: input/output error"
