"""The installer's promises that need no installation: what it refuses, in one line, before it changes anything."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "cluster" / "install.sh"
TOOLS = ("bash", "dirname", "uname", "grep", "cat", "ls", "flock", "awk", "df", "g++", "sha256sum", "cut", "rm", "tail")


def install(tmp_path, *options, tools=TOOLS, **env):
    """Run the installer with only these programs on the PATH, into a folder of the test's own."""
    programs = tmp_path / "bin"
    programs.mkdir(exist_ok=True)
    for tool in tools:
        found = shutil.which(tool)
        if found and not (programs / tool).exists():
            (programs / tool).symlink_to(found)
    environment = {"PATH": str(programs), "HOME": str(tmp_path), "RAYLM_VENV": str(tmp_path / "venv"),
                   "RAYLM_PYTHON": getattr(sys, "_base_executable", sys.executable)} | env
    command = [shutil.which("bash"), str(SCRIPT), *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def refusal(done):
    assert done.returncode == 1
    assert re.fullmatch(r"install: [^\n]+\n", done.stderr), done.stderr
    return done.stderr


def test_help_documents_every_option_and_variable(tmp_path):
    done = install(tmp_path, "--help")
    source = SCRIPT.read_text(encoding="utf-8")
    assert done.returncode == 0
    for name in set(re.findall(r"\$\{(RAYLM_[A-Z]+)", source)) | set(re.findall(r"^        (--[a-z-]+)", source, re.M)):
        assert name in done.stdout


def test_unknown_option_or_extra_is_one_line(tmp_path):
    assert "--fast" in refusal(install(tmp_path, "--fast"))
    assert "allowed are cpu and cuda" in refusal(install(tmp_path, "--extra", "tpu"))
    assert "needs a value" in refusal(install(tmp_path, "--venv"))


def test_missing_compiler_is_one_line_that_says_how_to_get_it(tmp_path):
    done = install(tmp_path, tools=[tool for tool in TOOLS if tool != "g++"])
    assert "apt-get install g++" in refusal(done)


def test_missing_python_is_one_line_that_says_how_to_get_it(tmp_path):
    assert "no Python 3.11 or 3.12 found" in refusal(install(tmp_path, RAYLM_PYTHON="python-not-there"))


def test_wrong_python_is_one_line_with_its_version(tmp_path):
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\ncat >/dev/null\necho '/old/python is Python 3.9; raylm needs 3.11 or 3.12'\n")
    fake.chmod(0o755)
    assert "raylm needs 3.11 or 3.12" in refusal(install(tmp_path, RAYLM_PYTHON=str(fake)))


def test_full_disk_is_one_line_with_what_is_needed(tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "df").write_text("#!/bin/sh\necho header\necho '/dev/x 100 0 1048576 1% /'\n")
    (programs / "df").chmod(0o755)
    line = refusal(install(tmp_path))
    assert "has 1 GB free" in line and "needs 7 GB" in line


def test_a_folder_that_is_no_environment_is_never_touched(tmp_path):
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "thesis.txt").write_text("years of work")
    assert "is not a virtual environment" in refusal(install(tmp_path))
    assert (tmp_path / "venv" / "thesis.txt").read_text() == "years of work"


def test_installed_torch_is_of_pyprojects_range():
    release = re.search(r"^readonly TORCH=(\S+)", SCRIPT.read_text(encoding="utf-8"), re.M).group(1)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    torch = next(r for r in map(Requirement, project["dependencies"]) if r.name == "torch")
    assert torch.specifier.contains(release) and torch.specifier.contains(f"{release}+cpu")


@pytest.mark.parametrize("script", [SCRIPT, ROOT / ".ci" / "run"])
def test_scripts_stop_at_the_first_error_and_are_executable(script):
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")
    assert os.access(script, os.X_OK)
