"""A real endpoint, started as a user starts it: the stock `openai` client talks to it, and Ctrl-C leaves nothing behind."""

import contextlib
import importlib.util
import io
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from listening import beyond_loopback, sockets
from tiny_checkpoint import make_checkpoint

from raylm.serve.chat import chat
from raylm.serve.keys import create_key_file

PROGRAM = """
import sys
from pathlib import Path
from raylm.serve import ServeConfig, serve_until_interrupted
folder, port, keys = sys.argv[1:]
serve_until_interrupted(Path(folder), ServeConfig(port=int(port), api_key_file=keys, max_body_mib=0.01), name="tiny")
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Served:
    """`serve_until_interrupted` in its own process, its lines read as they come."""

    def __init__(self, folder, port, keys):
        root = Path(__file__).resolve().parents[2]
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", PROGRAM, str(folder), str(port), str(keys)],
            cwd=root, text=True, env={**os.environ, "PYTHONPATH": str(root)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        self.lines, self.coming = [], queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.coming.put(line)
        self.coming.put(None)

    def wait_for(self, pattern, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                line = self.coming.get(timeout=1)
                assert line is not None, "ended:\n" + "".join(self.lines)
                self.lines.append(line)
                if re.search(pattern, line):
                    return
        raise AssertionError("not ready:\n" + "".join(self.lines))

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGINT)  # what Ctrl-C does: the whole foreground group gets it
        try:
            return self.process.wait(timeout=90)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    if importlib.util.find_spec("vllm") is None:
        pytest.skip("vLLM is not installed here")
    folder = tmp_path_factory.mktemp("serve")
    token = Path(os.environ["RAY_AUTH_TOKEN_PATH"])
    if not token.exists():
        token.write_text("t" * 64)
        token.chmod(0o600)
    key = create_key_file(folder / "keys")
    port = free_port()
    process = Served(make_checkpoint(folder), port, folder / "keys")
    process.port, process.key, process.url = port, key, f"http://127.0.0.1:{port}"
    try:
        process.wait_for("print\\(answer", 400)
        yield process
    finally:
        if process.process.poll() is None:
            process.stop()


def get(url, key=None, data=None):
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data, headers=headers), timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.mark.slow
def test_openai_client_gets_models_completions_and_chat(served):
    import openai

    client = openai.OpenAI(base_url=served.url + "/v1", api_key=served.key, max_retries=0)
    assert [model.id for model in client.models.list()] == ["tiny"]
    completion = client.completions.create(model="tiny", prompt="def", max_tokens=5, temperature=0, logprobs=2)
    assert completion.usage.completion_tokens <= 5 and completion.choices[0].logprobs.tokens
    turns = [{"role": "user", "content": "hello"}]
    whole = client.chat.completions.create(model="tiny", messages=turns, max_tokens=12, temperature=0)
    stream = client.chat.completions.create(model="tiny", messages=turns, max_tokens=12, temperature=0, stream=True)
    pieces = [event.choices[0].delta.content or "" for event in stream if event.choices]
    assert "".join(pieces) == whole.choices[0].message.content and len(pieces) > 3


@pytest.mark.slow
def test_chat_is_tokenised_as_in_training(served):
    """vLLM's chat prompt has the ids of our own `Tokenizer.chat`."""
    import json

    from raylm.tokenizer.text import Tokenizer

    said = (("user", "hello  world"), ("assistant", "yes\n"), ("user", "é"))
    turns = [{"role": role, "content": content} for role, content in said]
    status, body = get(served.url + "/tokenize", served.key, json.dumps({"model": "tiny", "messages": turns}).encode())
    folder = served.process.args[4]
    assert status == 200 and json.loads(body)["tokens"] == Tokenizer.open(folder).chat(turns, generation_prompt=True)


@pytest.mark.slow
def test_wrong_key_is_refused_and_healthz_is_open(served):
    import openai

    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=served.url + "/v1", api_key="sk-raylm-wrong", max_retries=0).models.list()
    for path in ("/v1/models", "/metrics", "/openapi.json", "/version"):
        assert get(served.url + path)[0] == 401, path
    assert get(served.url + "/healthz") == (200, b'{"status": "ok"}')
    assert get(served.url + "/v1/completions", served.key, b"x" * 20_000)[0] == 413


@pytest.mark.slow
def test_nothing_of_the_endpoint_can_be_reached_from_another_machine(served):
    """But for the ports that Ray Serve gives its replicas, whose address is fixed in it: they ask for the session's token."""
    import grpc

    assert ("127.0.0.1", served.port) in sockets(served.process.pid)
    for (_, port), command in beyond_loopback(served.process.pid).items():
        assert command.startswith("ray::ServeReplica:raylm")
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel, pytest.raises(grpc.RpcError) as refusal:
            channel.unary_unary("/ray.serve.ASGIService/HandleRequest")(b"", timeout=30)
        assert refusal.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.slow
def test_chat_talks_to_the_endpoint(served, monkeypatch):
    monkeypatch.setenv("RAYLM_API_KEY", served.key)
    sink = io.StringIO()
    chat(served.url, source=io.StringIO("hello\nagain\n"), sink=sink, max_new=8)
    assert len(sink.getvalue()) > 2


@pytest.mark.slow
def test_interrupt_closes_the_port_and_shows_no_key_and_no_traceback(served):
    """Runs last: it ends the endpoint."""
    assert listening(served.port)
    listing = subprocess.run(["ps", "-o", "pid=", "-s", str(served.process.pid)], capture_output=True, text=True)
    children = listing.stdout.split()
    assert served.stop() == 0
    assert not listening(served.port)
    while (line := served.coming.get(timeout=30)) is not None:
        served.lines.append(line)
    text = "".join(served.lines)
    assert served.key not in text and "Traceback" not in text and text.rstrip().endswith("stopped")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and any(Path(f"/proc/{pid}").exists() for pid in children):
        time.sleep(0.5)
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def test_local_checkpoint_talks_in_this_process(tmp_path):
    sink = io.StringIO()
    folder = make_checkpoint(tmp_path)
    chat(folder, source=io.StringIO("hello\n" * 12), sink=sink, max_new=32, seed=1)
    again = io.StringIO()
    chat(folder, source=io.StringIO("hello\n" * 12), sink=again, max_new=32, seed=1)
    assert sink.getvalue() == again.getvalue() and len(sink.getvalue()) > 24
