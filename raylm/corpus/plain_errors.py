"""An error of the user's that crossed Ray, as the one line that it was where it was raised."""

from collections.abc import Iterator
from contextlib import contextmanager

from raylm.errors import UserError


@contextmanager
def plain_errors() -> Iterator[None]:
    """Let a task's `UserError` be the one line that it was.

    Ray makes it a child of its class with a traceback for a message, and Ray Data adds lines of its own.

    Raises:
        UserError: a task within the block raised it.
    """
    try:
        yield
    except UserError as error:
        raise UserError(str(getattr(error, "cause", error)).splitlines()[0]) from None
