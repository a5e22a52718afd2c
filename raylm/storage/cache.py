"""Local copies of remote folders that never change, kept in a folder that only this user can enter.

Its name can be guessed and the temporary folder is everybody's, so what stands under the name is believed only if it is ours
and closed to others: checkpoints are loaded from it.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from raylm.errors import UserError


def cached(uri: str, fill: Callable[[Path], None]) -> Path:
    """Return the local copy of an immutable folder, made by `fill` the first time.

    Args:
        uri: the folder's address.
        fill: copies its content into an empty local folder.

    Raises:
        UserError: the cache's place is not ours alone.
    """
    root = private_folder(Path(tempfile.gettempdir()) / f"raylm-cache-{os.getuid()}")
    # A hash, because a name may hold `..`, or be longer than a file's name can be.
    copy = root / hashlib.sha256(uri.encode()).hexdigest()[:32]
    if not copy.exists():
        aside = Path(tempfile.mkdtemp(dir=root, prefix="."))
        try:
            fill(aside)
            aside.rename(copy)
        except OSError:
            if not copy.exists():  # else another worker on this machine was first
                raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return copy


def private_folder(folder: Path) -> Path:
    """Create a folder that only this user can enter, or check that the one there is such a folder; return it.

    Raises:
        UserError: something else stands there: a link, another user's folder, or one that others may enter.
    """
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror}); set TMPDIR to a folder of your own") from None
    found = folder.lstat()  # of a link, not of what it leads to
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise UserError(f"{folder}: got something that others could have put there, allowed: a folder of yours with mode 700; "
                        "remove it, or set TMPDIR to a folder of your own")
    return folder
