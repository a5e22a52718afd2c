"""`raylm submit`: only the recipe travels, the job's exit status comes back, every mistake is one line without a token."""

import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from raylm.errors import UserError
from raylm.pipeline import submit as submitting
from raylm.pipeline.submit import check_address, default_name, explain_refusal, follow, recipe_command, start, warnings


class FakeClient:
    """A cluster that has one job, whose log may break off."""

    def __init__(self, chunks=("one\n", "two\n"), status="SUCCEEDED", exit_code=0, breaks=0, message=None):
        self.chunks, self.breaks, self.submitted = chunks, breaks, None
        self.info = SimpleNamespace(status=status, driver_exit_code=exit_code, message=message)

    def submit_job(self, **job):
        folder = Path(job["runtime_env"]["working_dir"])
        self.submitted = job | {"files": sorted(path.name for path in folder.iterdir())}
        return job["submission_id"]

    async def tail_job_logs(self, job):
        for position, chunk in enumerate(self.chunks):
            if self.breaks and position == 1:
                self.breaks -= 1
                raise RuntimeError("connection closed")
            yield chunk

    def get_job_status(self, job):
        return SimpleNamespace(is_terminal=lambda: True)

    def get_job_info(self, job):
        return self.info


@pytest.mark.parametrize("address", ["head:8265", "ray://head:10001", "auto", "http://", "http://head:port", ""])
def test_wrong_address_is_one_line_that_says_what_is_allowed(address):
    with pytest.raises(UserError, match=r"allowed: the cluster's dashboard, such as http://HEAD:8265"):
        check_address(address)
    assert check_address("https://head.example/ray") == "head.example"


def test_hostile_values_reach_the_shell_quoted():
    command = recipe_command(Path("/a/b/it's.yaml"), {"folder": "$(rm -rf x)"}, ["name=a b; c"])
    assert shlex.split(shlex.join(command)) == ["python", "-m", "raylm.cli", "run", "it's.yaml", "--var",
                                                "folder=$(rm -rf x)", "--set", "name=a b; c"]


def test_default_name_is_one_that_ray_takes():
    assert default_name(Path("x/my recipe.v2.yaml"), time.gmtime(0)) == "raylm-my-recipe-v2-19700101-000000"


def test_only_the_recipe_travels(tmp_path):
    (tmp_path / "secret.key").write_text("private")
    recipe = tmp_path / "r.yaml"
    recipe.write_text("name: x\n")
    client = FakeClient()
    assert start(client, recipe, ["python", "-m", "raylm.cli", "run", "r.yaml"], "job-1", "http://h") == "job-1"
    assert client.submitted["files"] == ["r.yaml"]
    assert client.submitted["entrypoint"] == "python -m raylm.cli run r.yaml"


@pytest.mark.parametrize(("status", "exit_code", "expected"),
                         [("SUCCEEDED", 0, 0), ("FAILED", 2, 2), ("FAILED", None, 1), ("STOPPED", None, 1)])
def test_exit_status_is_the_jobs(status, exit_code, expected):
    lines = []
    assert follow(FakeClient(status=status, exit_code=exit_code), "job", "http://h", lines.append) == expected
    assert "".join(lines) == "one\ntwo\n"


def test_log_that_breaks_off_goes_on_without_repeating(monkeypatch):
    async def at_once(seconds):
        return None

    monkeypatch.setattr(submitting.asyncio, "sleep", at_once)
    lines = []
    assert follow(FakeClient(breaks=2), "job", "http://h", lines.append) == 0
    assert "".join(lines) == "one\ntwo\n"


def test_interrupt_detaches_and_says_how_to_follow_and_stop(capsys):
    def interrupted(text):
        raise KeyboardInterrupt

    assert follow(FakeClient(), "job-7", "http://h:8265", interrupted) == 130
    said = capsys.readouterr().err
    assert "ray job logs --address http://h:8265 --follow job-7" in said
    assert "ray job stop --address http://h:8265 job-7" in said


@pytest.mark.parametrize("client", [FakeClient(status="FAILED", exit_code=127),
                                    FakeClient(("python: No module named raylm\n",), "FAILED", 1)])
def test_cluster_without_raylm_is_told_as_such(client):
    with pytest.raises(UserError, match="has no raylm; run cluster"):
        follow(client, "job", "http://h", lambda text: None)


def test_refusals_tell_a_missing_token_from_a_wrong_one():
    assert "RAY_AUTH_MODE=token" in explain_refusal("http://h", "Authentication required: Unauthorized")
    assert "refuses our token" in explain_refusal("http://h", "Authentication failed: Forbidden")


def test_unencrypted_address_beyond_loopback_and_another_ray_are_warned_of():
    import ray

    assert warnings("127.0.0.1", "http://127.0.0.1:8265", ray.__version__) == []
    assert warnings("head", "https://head", ray.__version__) == []
    assert len(warnings("head", "http://head:8265", "2.50.0")) == 2


def test_relative_storage_is_refused_before_anything_is_sent(monkeypatch):
    from raylm.pipeline import recipe

    for storage, allowed in [("runs", False), ("/mnt/shared/runs", True), ("s3://bucket/runs", True)]:
        monkeypatch.setattr(recipe, "read_recipe", lambda *a, storage=storage: SimpleNamespace(storage=storage))
        if allowed:
            submitting.check_storage(Path("r.yaml"), None, [])
        else:
            with pytest.raises(UserError, match=r"storage: got 'runs'.*s3://bucket/prefix"):
                submitting.check_storage(Path("r.yaml"), None, [])


def test_nothing_listening_is_one_line_in_seconds():
    with pytest.raises(UserError, match="no cluster answers there"):
        submitting.connect(f"http://127.0.0.1:{free_ports(1)[0]}")


# --- against a real head with token authentication ----------------------------------------------------------------------


def free_ports(count):
    """Return ports that are free now, all different."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def answers(port):
    """Whether the dashboard answers at all; without our token it says 401."""
    import requests

    try:
        return requests.get(f"http://127.0.0.1:{port}/api/version", timeout=5).status_code in (200, 401)
    except requests.RequestException:
        return False


@pytest.fixture(scope="module")
def head():
    """A head started as on a cluster, with a token; its address and environment. Stopped by SIGTERM to its own process."""
    folder = Path(tempfile.mkdtemp(prefix="rlm-"))  # short: Ray's sockets lie below it
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(secrets.token_hex(32))
    scripts = Path(sys.executable).parent
    gcs, dashboard, client, agent, metrics = free_ports(5)
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    environment = inherited | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token), "RAY_USAGE_STATS_ENABLED": "0",
                               "RAY_raylet_start_wait_time_s": "180",  # on a crowded machine
                               "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    command = [str(scripts / "ray"), "start", "--head", "--block", f"--port={gcs}", "--dashboard-host=127.0.0.1",
               f"--dashboard-port={dashboard}", f"--ray-client-server-port={client}", "--num-cpus=2",
               f"--dashboard-agent-listen-port={agent}", "--dashboard-agent-grpc-port=0",
               f"--metrics-export-port={metrics}", f"--temp-dir={folder}", "--object-store-memory=200000000"]
    with (folder / "head.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + 240
        while not (b"Ray runtime started" in (folder / "head.log").read_bytes() and answers(dashboard)):
            assert process.poll() is None, (folder / "head.log").read_text(errors="replace")[-2000:]
            assert time.monotonic() < deadline, "the head's dashboard did not come up in 240 s"
            time.sleep(1)
        yield SimpleNamespace(address=f"http://127.0.0.1:{dashboard}", environment=environment, folder=folder)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(90)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def run_submit(head, recipe, *, entrypoint=None, name=None, until=None, **changed):
    """Submit from a process of its own, as Ray reads its authentication settings once per process."""
    script = ("import sys; from pathlib import Path\n"
              "from raylm.errors import UserError; from raylm.pipeline.submit import submit\n"
              "try:\n"
              f"    sys.exit(submit(Path({str(recipe)!r}), {head.address!r}, name={name!r}, until={until!r},"
              f" entrypoint={entrypoint!r}))\n"
              "except UserError as error:\n"
              "    print(error, file=sys.stderr); sys.exit(2)\n")
    environment = {key: value for key, value in (head.environment | changed).items() if value is not None}
    return subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text("name: tiny\n")
    return path


@pytest.mark.slow
def test_job_runs_on_the_clusters_python_with_only_the_recipe_and_its_status_comes_back(head, recipe):
    program = ("import os, sys, ray; ray.init(log_to_driver=False); double = ray.remote(lambda x: 2 * x);"
               "print('sum', sum(ray.get([double.remote(1) for _ in range(3)])));"
               "print('files', sorted(os.listdir())); print('python', sys.executable); import raylm; sys.exit(7)")
    done = run_submit(head, recipe, entrypoint=["python", "-c", program])
    assert done.returncode == 7, done.stderr
    assert "sum 6" in done.stdout and "files ['tiny.yaml']" in done.stdout
    assert f"python {sys.executable}" in done.stdout
    assert all(line.startswith("raylm: ") for line in done.stderr.splitlines()), done.stderr


@pytest.mark.slow
def test_name_clash_is_one_line(head, recipe):
    assert run_submit(head, recipe, entrypoint=["true"], name="twice").returncode == 0
    done = run_submit(head, recipe, entrypoint=["true"], name="twice")
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1] == f"a job named twice exists on {head.address}; choose another name"


@pytest.mark.slow
def test_wrong_and_missing_tokens_are_refused_in_one_line_that_shows_none(head, recipe, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text(secrets.token_hex(32))
    refused = run_submit(head, recipe, entrypoint=["true"], RAY_AUTH_TOKEN_PATH=str(wrong))
    assert refused.returncode == 2 and "refuses our token" in refused.stderr
    missing = run_submit(head, recipe, entrypoint=["true"], RAY_AUTH_MODE=None, RAY_AUTH_TOKEN_PATH=None)
    assert missing.returncode == 2 and "asks for a token" in missing.stderr
    for done in (refused, missing):
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert wrong.read_text() not in done.stderr
        assert (head.folder / "token").read_text() not in done.stderr + done.stdout


@pytest.mark.slow
def test_recipe_runs_through_the_real_command_line_and_its_artifact_outlives_the_job(head, tmp_path):
    import raylm

    recipe = tmp_path / "small.yaml"
    recipe.write_text(f"name: small\nstorage: {tmp_path / 'store'}\n"
                      "corpus: {sources: [{name: licences, kind: licences, max_bytes: 200000}], partitions: 2}\n")
    done = run_submit(head, recipe, until="corpus")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    corpus = raylm.load(tmp_path / "store" / "small").stage("corpus")
    assert corpus.metrics["funnel"][-1]["documents_out"] > 0
    assert (head.folder / "token").read_text() not in done.stdout + done.stderr
