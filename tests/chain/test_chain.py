"""The whole chain as a user runs it: text in, an answering endpoint out; killed on the way, and nothing lost."""

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import openai
import pytest

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "jobs" / "recipes" / "smoke.yaml"
pytestmark = pytest.mark.slow


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "raylm.cli", *map(str, arguments)]


def environment() -> dict[str, str]:
    """No cluster of another test's, and a token of Ray's own making in a private home."""
    drop = ("RAY_ADDRESS", "RAY_AUTH_TOKEN_PATH", "PYTEST_CURRENT_TEST")
    return {key: value for key, value in os.environ.items() if key not in drop} | {"PYTHONUNBUFFERED": "1"}


def start(*arguments: object, home: Path, log: Path) -> subprocess.Popen:
    with log.open("ab") as sink:
        return subprocess.Popen(command(*arguments), cwd=ROOT, env=environment() | {"HOME": str(home)}, stdout=sink,
                                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)


def finish(*arguments: object, home: Path, log: Path, seconds: float = 900) -> str:
    process = start(*arguments, home=home, log=log)
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    text = log.read_text(errors="replace")
    assert status == 0, text[-4000:]
    assert "Traceback" not in text
    return text


def digests(artifact: Path) -> dict[str, str]:
    """SHA-256 of every file of an artifact, but for what its making cost."""
    return {str(file.relative_to(artifact)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(artifact.rglob("*")) if file.is_file() and file.name != "cost.json"}


def artifact(run: Path, stage: str) -> Path:
    key = json.loads((run / "run.json").read_text())[stage]
    return run.parent / "artifacts" / f"{stage}-{key}"


def metrics(run: Path, stage: str) -> dict:
    return json.loads((artifact(run, stage) / "manifest.json").read_text())["metrics"]


@pytest.fixture(scope="module")
def chain(tmp_path_factory) -> Path:
    """The folder of a finished run of the smoke recipe, undisturbed."""
    place = tmp_path_factory.mktemp("chain")
    text = finish("run", RECIPE, "--set", f"storage={place / 'runs'}", home=place, log=place / "log")
    assert "raylm serve" in text
    assert "report.html" in text
    return place / "runs" / "smoke"


def test_every_stage_is_built_and_the_report_is_one_file_with_their_plots(chain):
    stages = ("read", "score", "corpus", "tokenize", "mix", "pretrain", "sft", "reward", "rlhf", "compress", "evaluate")
    assert all((artifact(chain, stage) / "manifest.json").exists() for stage in stages)
    page = (chain / "report.html").read_text()
    assert page.count("<svg") >= 8
    assert not any(f'{attribute}="http' in page for attribute in ("src", "href"))
    assert "could not be" not in page


def test_pretraining_starts_at_ln_of_the_vocabulary_and_learns(chain):
    figures = metrics(chain, "pretrain")
    assert figures["first_loss"] == pytest.approx(figures["expected_first_loss"], rel=0.03)
    assert figures["heldout_loss"] < figures["baselines"]["unigram"]


def test_no_training_document_is_held_out(chain):
    import pyarrow.parquet as pq

    from raylm.tokenizer.split import is_held_out

    fraction = json.loads((artifact(chain, "tokenize") / "index.json").read_text())["heldout_fraction"]
    ids = pq.read_table(artifact(chain, "corpus") / "documents", columns=["id"])["id"].to_pylist()
    held = {i for i in ids if is_held_out(i, fraction)}
    assert 0 < len(held) < 0.3 * len(ids)
    index = json.loads((artifact(chain, "tokenize") / "index.json").read_text())
    assert sum(s["heldout"]["documents"] for s in index["sources"].values()) == len(held)


def test_a_second_run_rebuilds_nothing(chain):
    before = {p: p.stat().st_mtime_ns for p in chain.parent.rglob("manifest.json")}
    home = chain.parent.parent
    finish("run", RECIPE, "--set", f"storage={chain.parent}", home=home, log=home / "again", seconds=120)
    assert before == {p: p.stat().st_mtime_ns for p in chain.parent.rglob("manifest.json")}


@contextlib.contextmanager
def served(run: Path, home: Path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = start("serve", run, "--port", port, home=home, log=home / "serve.log")
    try:
        deadline = time.time() + 420
        while "answers at" not in (home / "serve.log").read_text(errors="replace"):
            assert process.poll() is None and time.time() < deadline, (home / "serve.log").read_text(errors="replace")[-3000:]
            time.sleep(1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(90)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def test_the_endpoint_answers_the_stock_openai_client(chain):
    with served(chain, chain.parent.parent) as url:
        client = openai.OpenAI(base_url=url, api_key="none", timeout=120)
        assert [model.id for model in client.models.list()] == ["smoke"]
        completion = client.completions.create(model="smoke", prompt="def ", max_tokens=8, temperature=0)
        assert completion.usage.completion_tokens == 8
        messages = [{"role": "user", "content": "Write a Python function: Return the sum."}]
        whole = client.chat.completions.create(model="smoke", messages=messages, max_tokens=12, temperature=0)
        parts = client.chat.completions.create(model="smoke", messages=messages, max_tokens=12, temperature=0, stream=True)
        assert "".join(p.choices[0].delta.content or "" for p in parts if p.choices) == whole.choices[0].message.content


def workers_of(home: Path, title: str) -> list[int]:
    """Processes of that title that belong to our Ray: they carry our HOME."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and title in (folder / "cmdline").read_text().replace("\0", " ") \
                    and f"HOME={home}\0" in (folder / "environ").read_text():
                found.append(int(folder.name))
    return found


def wait_for(process: subprocess.Popen, log: Path, text: str, seconds: float = 300) -> None:
    deadline = time.time() + seconds
    while text not in log.read_text(errors="replace"):
        assert process.poll() is None and time.time() < deadline, log.read_text(errors="replace")[-3000:]
        time.sleep(0.05)


def test_killed_anywhere_nothing_is_lost(chain, tmp_path):
    """kill -9 of the driver in read, corpus, tokenize, pretrain, and of a training worker; then the same command to the end."""
    arguments = ("pretrain", RECIPE, "--set", f"storage={tmp_path / 'runs'}", "--set", "mix.steps=10",
                 "--set", "pretrain.train.steps=160")
    for number, (sign, pause) in enumerate([("read      started", 5.0), ("corpus    started", 1.0), ("tokenize  started", 1.0)]):
        log = tmp_path / f"kill{number}"
        process = start(*arguments, home=tmp_path, log=log)
        wait_for(process, log, sign)
        time.sleep(pause)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    log = tmp_path / "training"
    process = start(*arguments, home=tmp_path, log=log)
    checkpoints = tmp_path / "runs" / "artifacts"
    deadline = time.time() + 420
    while not list(checkpoints.glob("pretrain-*/_train/checkpoint_*/training.json")):
        assert process.poll() is None and time.time() < deadline, log.read_text()[-3000:]
        time.sleep(0.2)
    time.sleep(1.0)
    os.kill(process.pid, signal.SIGKILL)  # the driver, with a checkpoint behind it
    process.wait()
    time.sleep(3)
    process = start(*arguments, home=tmp_path, log=tmp_path / "last")
    deadline = time.time() + 240
    while not (workers := workers_of(tmp_path, "RayTrainWorker")):
        assert process.poll() is None and time.time() < deadline, (tmp_path / "last").read_text()[-3000:]
        time.sleep(0.2)
    time.sleep(8)
    os.kill(workers[-1], signal.SIGKILL)
    assert process.wait(600) == 0, (tmp_path / "last").read_text()[-4000:]
    run = tmp_path / "runs" / "smoke"
    for stage in ("corpus", "tokenize"):
        assert digests(artifact(run, stage)) == digests(artifact(chain, stage))
    log = json.loads((artifact(run, "pretrain") / "training.json").read_text())
    assert [record["step"] for record in log["steps"]] == list(range(1, 161))
    assert log["resumes"] and min(log["resumes"]) >= 20, "it went on from a checkpoint, not from zero"
