"""Extraction never hangs or breaks the worker that asks for it: a page that cannot be had within the limits costs itself."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from raylm.corpus.encoding import decode_html
from raylm.corpus.extract import EXTRACTORS
from raylm.corpus.extract.sandbox import BROKEN, NOTHING, SLOW, Sandbox, sandbox
from raylm.corpus.files.errors import ReadError

PROSE = "This is a paragraph of a page that has enough words in it to be taken for the main text of the page by an extractor. " * 3
PAGE = f"<html><body><nav><a href='/'>Home</a></nav><article><p>{PROSE}</p></article><script>var x = 1;</script></body></html>"

BAD = '''"""Extractors that do what pages make real ones do; the child finds them in place of trafilatura, through a site module."""
import os, sys, time
import raylm.corpus.extract as extract

class Bad(extract.Extractor):
    def load(self):
        print("a library prints something")
    def extract(self, html):
        if html == "spin":
            while True: pass
        if html == "sleep":
            time.sleep(3600)
        if html == "crash":
            os.abort()
        if html == "exit":
            os._exit(0)
        if html == "eat":
            return str(bytearray(1 << 31))
        if html == "raise":
            raise ValueError
        if html == "deep":
            return (lambda f: f(f))(lambda f: f(f))
        print("another line")
        return html

extract.EXTRACTORS["trafilatura"] = Bad
from raylm.corpus.extract.child import main
main()
'''


@pytest.fixture
def bad(tmp_path, monkeypatch):
    """A sandbox whose extractor misbehaves on demand."""
    script = tmp_path / "bad.py"
    script.write_text(BAD)
    start = subprocess.Popen

    def popen(command, **more):
        return start([command[0], str(script), *command[3:]], **more)

    monkeypatch.setattr("raylm.corpus.extract.sandbox.subprocess.Popen", popen)
    box = Sandbox("trafilatura", seconds=0.5, patience=3, memory=1 << 30)
    yield box
    box.close()


@pytest.mark.parametrize("name", EXTRACTORS)
def test_every_extractor_finds_the_text_and_leaves_out_the_scripts(name):
    text = sandbox(name, 10.0).text(PAGE)
    assert PROSE.strip() in text and "var x" not in text and (name == "visible") == ("Home" in text)
    for page in ("", "<html></html>", "<script>x</script>"):
        with pytest.raises(ReadError, match=NOTHING):
            sandbox(name, 10.0).text(page)


@pytest.mark.parametrize(("page", "reason"), [
    ("spin", SLOW), ("sleep", SLOW), ("crash", BROKEN), ("exit", BROKEN), ("eat", BROKEN), ("raise", BROKEN), ("deep", BROKEN),
    ("  ", NOTHING)])
def test_a_page_that_breaks_its_extractor_costs_itself_in_bounded_time(bad, page, reason):
    assert bad.text("before") == "before"
    start = time.monotonic()
    with pytest.raises(ReadError) as caught:
        bad.text(page)
    assert caught.value.reason == reason and time.monotonic() - start < 20
    assert bad.text("after é中") == "after é中"


def test_a_child_that_is_killed_between_pages_costs_nothing(bad):
    for _ in range(3):
        assert bad.text("one") == "one"
        bad._child.kill()
        assert bad.text("two") == "two"


def test_the_limit_counts_the_page_and_not_the_wait_for_it(bad):
    assert bad.text("one") == "one"
    time.sleep(1)  # longer than the limit, between two pages
    assert bad.text("two") == "two"


@pytest.mark.parametrize("page", [
    "<div>" * 100_000 + "words" + "</div>" * 100_000, "<b>" * 100_000 + "words", "<table><tr><td>" * 20_000 + "x",
    '<a href="' * 100_000,
    "x" * 5_000_000, "\0" * 100_000, "<p>a\ud800b</p>", "&" * 1_000_000, "<!--" * 100_000, "<p>words and words</p>" * 100_000,
    "<" * 500_000, "<style>" + "a{}" * 300_000], ids=range(12))
@pytest.mark.parametrize("name", EXTRACTORS)
def test_whatever_a_page_is_made_of_it_ends_in_bounded_time(name, page):
    start = time.monotonic()
    try:
        sandbox(name, 2.0).text(page)
    except ReadError as error:
        assert error.reason in (SLOW, BROKEN, NOTHING)
    assert time.monotonic() - start < 2 * 5 + 10


def test_a_child_does_not_outlive_its_parent(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text("from raylm.corpus.extract.sandbox import sandbox\nimport os, time\nbox = sandbox('visible', 10.0)\n"
                      "box.text('<p>words</p>')\nprint(box._child.pid, flush=True)\ntime.sleep(600)\n")
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    assert Path(f"/proc/{child}").exists()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert _gone(child)


def test_a_child_in_an_endless_loop_ends_without_its_parent(bad):
    assert bad.text("one") == "one"
    child = bad._child
    os.write(child.stdin.fileno(), (4).to_bytes(8, "big") + b"spin")
    for _ in range(100):
        if child.poll() is not None:
            break
        time.sleep(0.1)
    assert child.poll() == -signal.SIGPROF


def test_a_fork_starts_a_child_of_its_own():
    box = sandbox("visible", 10.0)
    assert box.text("<p>words</p>") == "words"
    ours = box._child.pid
    reading, writing = os.pipe()
    fork = os.fork()
    if fork == 0:
        try:
            box.text("<p>words</p>")
            os.write(writing, str(box._child.pid).encode())
            box._child.kill()
        finally:
            os._exit(0)
    os.waitpid(fork, 0)
    theirs = int(os.read(reading, 100))
    assert theirs != ours and box._child.poll() is None and box.text("<p>words</p>") == "words"


def _gone(pid: int) -> bool:
    for _ in range(100):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().split()[2] == "Z":
            return True
        time.sleep(0.1)
    return False


def test_extraction_works_in_ray_workers(ray_cluster):
    import ray

    @ray.remote
    def lengths(pages):
        return [len(sandbox("visible", 10.0).text(page)) for page in pages], sandbox("visible", 10.0)._child.pid

    assert ray.get(lengths.remote(["<p>one</p>", "<p>three</p>"]))[0] == [3, 5]


@pytest.mark.parametrize(("encoding", "declared", "meta"), [
    ("utf-8", None, ""), ("utf-8-sig", "gbk", ""), ("utf-16", None, ""),
    ("gb18030", None, '<meta charset="gb2312">'),
    ("gb18030", "gbk", '<meta charset="utf-8">'),
    ("gb18030", None, '<meta http-equiv="Content-Type" content="text/html; charset=GBK">'),
    ("gb18030", None, ""), ("gb18030", "utf-8", ""), ("big5", None, '<meta charset=big5>'), ("big5", "no-such-charset", "")])
def test_pages_are_decoded_as_browsers_do(encoding, declared, meta):
    text = f"<html><head>{meta}</head><body>君不見黃河之水天上來，奔流到海不復回。君不見高堂明鏡悲白髮。</body></html>"
    assert decode_html(text.encode(encoding), declared) == text


def test_a_stray_byte_does_not_cost_a_page():
    text = "<p>" + "words and wörds " * 500 + "</p>"
    data = text.encode()
    assert decode_html(data[:3] + b"\xff" + data[3:]).replace("\ufffd", "") == text
    assert "wörds" in decode_html(text.encode("cp1252")) and decode_html(b"\x81\x8d\xff") != ""
