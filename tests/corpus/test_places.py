"""Files are found and read wherever they are: in folders, by globs, alone, in lists, on web servers and in object stores."""

import gzip
import http.server
import json
import os
import threading

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs
from pydantic import ValidationError

from raylm.corpus.config import CorpusConfig
from raylm.corpus.files import http_file, opened
from raylm.corpus.files.address import store
from raylm.corpus.fingerprint import fingerprint
from raylm.corpus.listing import list_files
from raylm.corpus.reach import check_root, this_node
from raylm.corpus.sources import KINDS, Record
from raylm.corpus.sources.places import matches
from raylm.errors import UserError


def corpus(path, **more):
    return CorpusConfig.model_validate({"sources": [{"name": "mine", "kind": "folder", "path": path, **more}]})


def listed(path, **more):
    return sorted(f"{file.label}/{file.relative}" for file in list_files(corpus(path, **more)))


def texts(path, **more):
    """Read all of a source: its records by file."""
    config = corpus(path, **more)
    found = {}
    for file in list_files(config):
        check_root(config.sources[0], file.root, "another-node" if "://" in file.root else this_node())
        records = KINDS["folder"].documents(file.path, file.relative, config.sources[0])
        found[f"{file.label}/{file.relative}"] = [r.text if isinstance(r, Record) else r.reason for r in records]
    return found


@pytest.fixture
def tree(tmp_path):
    """A folder of texts, as bytes by relative path."""
    files = {"data/2023/a.jsonl.gz": gzip.compress(b'{"text": "a"}\n'), "data/2024/b.jsonl": b'{"text": "b"}\n', "data/c.txt": b"c",
             "data/2024/deep/d.txt": b"d", "data/.hidden/e.txt": b"e", "data/own/.raylm-output": b"", "data/own/f.txt": b"f"}
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


@pytest.mark.parametrize(("path", "found"), [
    ("data", ["data/2023/a.jsonl.gz", "data/2024/b.jsonl", "data/2024/deep/d.txt", "data/c.txt"]),
    ("data/*", ["data/2023/a.jsonl.gz", "data/2024/b.jsonl", "data/2024/deep/d.txt", "data/c.txt"]),
    ("data/*.txt", ["data/c.txt"]),
    ("data/**/*.txt", ["data/2024/deep/d.txt", "data/c.txt"]),
    ("data/**/*.jsonl*", ["data/2023/a.jsonl.gz", "data/2024/b.jsonl"]),
    ("data/202[4-9]", ["data/2024/b.jsonl", "data/2024/deep/d.txt"]),
    ("data/202?/*.jsonl", ["data/2024/b.jsonl"]),
    ("data/2024/b.jsonl", ["2024/b.jsonl"]),
    (["data/c.txt", "data/2024/deep", "data"], ["data/2023/a.jsonl.gz", "data/2024/b.jsonl", "data/2024/deep/d.txt", "data/c.txt",
                                                "deep/d.txt"]),
])
def test_folders_files_and_globs_are_found(tree, path, found):
    given = [str(tree / one) for one in path] if isinstance(path, list) else str(tree / path)
    assert listed(given) == found


def test_a_file_is_the_same_document_however_it_was_named(tree):
    assert texts(str(tree / "data" / "c.txt")) == texts(str(tree / "data" / "*.txt")) == {"data/c.txt": ["c"]}


@pytest.mark.parametrize(("relative", "pattern", "fits"), [
    ("a/b.txt", "*.txt", False), ("b.txt", "**/*.txt", True), ("a/b/c.txt", "**/*.txt", True), ("a/b/c.txt", "a/**", True),
    ("a/b.txt", "a", True), ("ab.txt", "a", False), ("a.txt", "[!b].txt", True), ("b.txt", "[!b].txt", False), ("a+b", "a+b", True),
    ("[x].txt", "[[]x].txt", True), ("a\nb", "a?b", True), ("x/y", "?/?", True), ("xy", "[x", False)])
def test_globs_mean_what_shells_mean(relative, pattern, fits):
    assert matches(relative, pattern) is fits


def test_a_list_names_files_relative_to_its_folder_or_to_a_base(tree):
    (tree / "mine.paths").write_text(f"data/c.txt\n\ndata/2024/b.jsonl\n{tree}/data/2024/deep/d.txt\ndata/gone.txt\n")
    gone = ["unreadable: no such file"]
    name = tree.name
    expected = {f"{name}/data/c.txt": ["c"], f"{name}/data/2024/b.jsonl": ["b"], "deep/d.txt": ["d"], f"{name}/data/gone.txt": gone}
    assert texts(str(tree / "mine.paths")) == expected
    (tree / "other").mkdir()
    (tree / "other" / "all.paths.gz").write_bytes(gzip.compress((tree / "mine.paths").read_bytes()))
    assert texts(str(tree / "other" / "all.paths.gz"), base=str(tree)) == expected
    (tree / "bad.paths").write_text("../../etc/passwd\n")
    for path, message in ((tree / "bad.paths", "leads out"), (tree / "gone.paths", "no such file")):
        with pytest.raises(UserError, match=message):
            listed(str(path))


@pytest.mark.parametrize("line", ["/etc/passwd", "file:///etc/passwd", "FILE:/etc/passwd"])
def test_a_list_from_elsewhere_names_no_file_of_this_machine(server, line):
    Server.files["/evil.paths"] = f"a.txt\n{line}\n".encode()
    for more in ({}, {"base": "s3://bucket"}):
        with pytest.raises(UserError, match=f"'{line}' is a path of this machine") as caught:
            listed(f"{server}/evil.paths", **more)
        assert f"{server}/evil.paths" in str(caught.value) and "\n" not in str(caught.value)


class Server(http.server.BaseHTTPRequestHandler):
    """Serves `files`; sends parts; breaks off the first answers as told."""

    protocol_version = "HTTP/1.1"
    files: dict[str, bytes]
    break_off: int
    refuse: int
    parts: bool
    asked: list[str]

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        type(self).asked.append(f"{self.command} {self.path} {self.headers.get('Range', '')}".strip())
        if type(self).refuse:
            type(self).refuse -= 1
            return self._answer(503, b"")
        if self.path == "/secret.txt":
            return self._answer(403, b"")
        data = self.files.get(self.path)
        if data is None:
            return self._answer(404, b"no")
        start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-")) if self.parts and "Range" in self.headers else 0
        broken = self.break_off > 0 and self.command == "GET"
        if broken:
            type(self).break_off -= 1
        self._answer(206 if start else 200, data[start:], broken)

    def _answer(self, status, body, broken=False):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", "Sun, 22 Nov 2026 10:00:00 GMT")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[: len(body) // 3] if broken else body)
        if broken:
            self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    """A web server on this machine, and its address."""
    monkeypatch.setattr(http_file, "_PAUSE", 0.01)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": [f"row {number}" for number in range(1000)]}), sink)
    rows = "".join(json.dumps({"text": f"line {number} " + "x" * 500}) + "\n" for number in range(3000)).encode()
    Server.files = {"/a.txt": b"words", "/rows.jsonl": rows, "/sub/rows.jsonl.gz": gzip.compress(rows),
                    "/t.parquet": sink.getvalue().to_pybytes(),
                    "/all.paths.gz": gzip.compress(b"a.txt\nsub/rows.jsonl.gz\ngone.txt\n")}
    Server.break_off, Server.refuse, Server.parts, Server.asked = 0, 0, True, []
    one = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=one.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{one.server_port}"
    one.shutdown()
    one.server_close()


def test_files_on_a_web_server_are_read(server):
    host = server.removeprefix("http://")
    lines = [f"line {number} " + "x" * 500 for number in range(3000)]
    found = texts([f"{server}/a.txt", f"{server}/rows.jsonl", f"{server}/t.parquet", f"{server}/gone.txt", f"{server}/secret.txt"])
    assert found == {f"{host}/a.txt": ["words"], f"{host}/rows.jsonl": lines,
                     f"{host}/t.parquet": [f"row {n}" for n in range(1000)],
                     f"{host}/gone.txt": ["unreadable: no such file"], f"{host}/secret.txt": ["unreadable: permission denied"]}
    assert texts(f"{server}/all.paths.gz") == {f"{host}/a.txt": ["words"], f"{host}/sub/rows.jsonl.gz": lines,
                                              f"{host}/gone.txt": ["unreadable: no such file"]}
    file = list_files(corpus(f"{server}/a.txt"))[0]
    assert (file.size, file.root) == (5, server) and file.mtime_ns > 10**18
    assert fingerprint(corpus(f"{server}/a.txt")) == fingerprint(corpus(f"{server}/a.txt"))


def test_a_lost_connection_is_taken_up_where_it_broke_off(server):
    Server.break_off, Server.refuse = 3, 2
    with opened(f"{server}/rows.jsonl") as stream:
        assert stream.read() == Server.files["/rows.jsonl"]
    assert sum("bytes=" in line for line in Server.asked) == 3


def test_a_server_that_does_not_answer_now_makes_no_other_corpus(server):
    config = corpus([f"{server}/a.txt", f"{server}/rows.jsonl"])
    whole = fingerprint(config)
    Server.refuse = http_file.TRIES - 1
    assert fingerprint(config) == whole and Server.refuse == 0
    Server.refuse = 10**6
    with pytest.raises(UserError, match=rf"source 'mine': {server}/.*: cannot be reached \(HTTP status 503\)") as caught:
        fingerprint(config)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="cannot be reached"):
        list_files(corpus("http://127.0.0.1:9/a.txt"))


@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
def test_a_server_that_does_not_say_what_files_it_has_is_read(server, monkeypatch, status):
    monkeypatch.setattr(Server, "do_HEAD", lambda asked: asked._answer(status, b""))
    file, = list_files(corpus(f"{server}/a.txt"))
    assert (file.size, file.mtime_ns) == (0, 0)
    assert list(texts(f"{server}/a.txt").values()) == [["words"]]


def test_a_server_that_never_answers_or_sends_no_parts_costs_the_file(server):
    config = corpus(f"{server}/rows.jsonl")
    host = server.removeprefix("http://")
    file = list_files(config)[0]

    def reasons():
        records = list(KINDS["folder"].documents(file.path, file.relative, config.sources[0]))
        return {record.reason for record in records if not isinstance(record, Record)}

    Server.refuse = 10**6
    assert reasons() == {"unreadable: connection lost"}
    Server.refuse, Server.break_off, Server.parts = 0, 1, False
    assert reasons() == {"unreadable: input/output error"}
    Server.break_off, Server.parts = 10**6, True
    Server.files = {"/rows.jsonl": Server.files["/rows.jsonl"][:0]}
    assert texts(f"{server}/rows.jsonl") == {f"{host}/rows.jsonl": ["empty file"]}


@pytest.mark.parametrize("path", [
    "https://user:secret@host/a.txt", "s3://key:secret@bucket/a", "https://host/a.txt?token=secret", "s3://bucket/a#secret"])
def test_addresses_with_secrets_are_refused_and_not_repeated(path):
    with pytest.raises(ValidationError) as caught:
        corpus(path)
    assert "secret@" not in caught.value.errors(include_input=False)[0]["msg"]


@pytest.mark.parametrize(("more", "message"), [
    ({"extract": "magic"}, "one of resiliparse, trafilatura, visible"), ({"extract_rows": True}, "an extractor"),
    ({"extract_seconds": 0}, "greater than 0"), ({"delimiter": "||"}, "at most 1"), ({"content": "poem"}, "'code' or 'prose'")])
def test_wrong_ways_of_reading_are_refused(more, message):
    with pytest.raises(ValidationError, match=message):
        corpus("x", **more)
    with pytest.raises(ValidationError, match="which says itself"):
        CorpusConfig.model_validate({"sources": [{"name": "a", "kind": "licences", "columns": {"a": "b"}}]})


def test_files_of_an_object_store_are_found_and_read(tree, monkeypatch):
    """The store is a folder here, reached as pyarrow reaches a store: through its filesystem and a URI."""
    stored = fs.SubTreeFileSystem(str(tree), fs.LocalFileSystem())
    asked = []

    def filesystem(scheme, bucket, anonymous):
        asked.append((scheme, bucket, anonymous))
        return stored, f"{bucket}/"

    monkeypatch.setattr("raylm.corpus.files.address._filesystem", filesystem)
    pq.write_table(pa.table({"text": ["p"]}), tree / "data" / "t.parquet")
    (tree / "data" / "my.paths").write_text("data/c.txt\ndata/2024/b.jsonl\n")
    everything = {"data/2023/a.jsonl.gz": ["a"], "data/2024/b.jsonl": ["b"], "data/2024/deep/d.txt": ["d"], "data/c.txt": ["c"],
                  "data/t.parquet": ["p"]}
    assert texts("s3://data", anonymous=True, exclude=["*.paths"]) == everything
    assert set(asked) == {("s3", "data", True)}
    assert texts("s3://data/", include=["*.parquet"]) == {"data/t.parquet": ["p"]}
    assert listed("s3://data/**/*.jsonl*") == ["data/2023/a.jsonl.gz", "data/2024/b.jsonl"]
    assert texts("gs://data/2024/b.jsonl") == {"2024/b.jsonl": ["b"]}
    (tree / "data" / "data").symlink_to(tree / "data")  # the list is in the bucket `data`, and so are its files
    assert texts("s3://data/my.paths") == {"data/data/c.txt": ["c"], "data/data/2024/b.jsonl": ["b"]}
    (tree / "data" / "data").unlink()
    assert [file.root for file in list_files(corpus("s3://data/c.txt"))] == ["s3://data"]
    with pytest.raises(UserError, match="no such file or folder in the store"):
        listed("s3://nothing/here")
    with pytest.raises(UserError, match="no files to read"):
        listed("s3://data/*.nothing")


@pytest.mark.parametrize(("uri", "path"), [
    ("abfs://cont@acc.dfs.core.windows.net/dir/a b%.txt", "cont/dir/a b%.txt"), ("abfss://cont@acc.dfs.core.windows.net", "cont"),
    ("gs://anonymous@bucket/x", "bucket/x"), ("gs://bucket/dir/", "bucket/dir")])
def test_the_path_within_a_store_is_that_of_pyarrow(uri, path):
    assert store(uri)[1] == path
    assert fs.FileSystem.from_uri(uri.replace(" ", "%20").replace("%.", "%25."))[1].rstrip("/") == path


def test_a_name_that_is_no_utf8_is_read(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / os.fsdecode(b"\xff.txt")).write_bytes(b"words")
    assert list(texts(str(tmp_path / "data")).values()) == [["words"]]
