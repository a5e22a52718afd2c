"""The one C++ op that raylm's CPU training needs: where its build lives, building it, and finding it again.

DeepSpeed compiles its shared-memory collective at first use, in every worker at once. So the installer builds it once,
inside the virtual environment: two environments of one user then never rebuild each other's, as they would in torch's
folder in the home.
"""

import os
import sys
import sysconfig
import time
from pathlib import Path

OP = "deepspeed_shm_comm"
STALE_SECONDS = 1800.0
"""A lock older than this is of a build that was killed: a build takes half a minute, on a crowded machine many."""


def prepare_environment() -> None:
    """Let this process find the environment's `ninja` and the op's build. Call it before DeepSpeed starts.

    It changes `os.environ`. torch runs `ninja` by name, which an environment that was never activated does not have on
    its PATH. `TORCH_EXTENSIONS_DIR` is respected where it is set; where the environment is not ours to write to, torch's
    own default stays.
    """
    scripts = sysconfig.get_path("scripts")
    if scripts not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = scripts + os.pathsep + os.environ.get("PATH", os.defpath)
    if os.access(sys.prefix, os.W_OK):
        os.environ.setdefault("TORCH_EXTENSIONS_DIR", str(Path(sys.prefix) / "torch_extensions"))


def op_folder() -> Path:
    """Return the folder the op is built in: below TORCH_EXTENSIONS_DIR, else below torch's default."""
    named = os.environ.get("TORCH_EXTENSIONS_DIR")
    if named:
        return Path(named) / OP
    cache = Path(os.environ.get("XDG_CACHE_HOME", "") or Path.home() / ".cache")
    return cache / "torch_extensions" / f"py{sys.version_info.major}{sys.version_info.minor}_cpu" / OP


def is_built(folder: Path) -> bool:
    """Return whether `folder` holds the finished op."""
    return (folder / f"{OP}.so").is_file()


def stale_lock(folder: Path, now: float) -> Path | None:
    """Return the lock of a build that was killed, which would make every later one wait for ever, or None.

    Args:
        folder: the op's build folder.
        now: seconds since the epoch.
    """
    lock = folder / "lock"
    try:
        return lock if now - lock.stat().st_mtime > STALE_SECONDS else None
    except FileNotFoundError:
        return None


def build() -> float:
    """Build the op if it is not built, and load it.

    Returns:
        Seconds that it took.

    Raises:
        RuntimeError: the compiler, ninja or the Python headers are missing, or the compiler failed.
    """
    started = time.monotonic()
    prepare_environment()
    lock = stale_lock(op_folder(), time.time())
    if lock is not None:
        lock.unlink(missing_ok=True)
    from deepspeed.ops.op_builder.cpu import ShareMemCommBuilder

    ShareMemCommBuilder().load(verbose=False)
    return time.monotonic() - started


if __name__ == "__main__":
    print(f"{OP}: {build():.0f} s")
