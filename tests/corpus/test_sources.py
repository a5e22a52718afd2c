"""Each kind of source finds its files, the same everywhere, and gives the documents that it promises."""

import gzip
import json
import os
import random
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs
from pydantic import ValidationError

from raylm.corpus.config import CorpusConfig
from raylm.corpus.fingerprint import fingerprint
from raylm.corpus.listing import list_files
from raylm.corpus.origin import document_id, origin_hash, partition
from raylm.corpus.rules.lists import entries
from raylm.corpus.sources import KINDS, Record, SourceConfig, Unread
from raylm.corpus.sources.descriptions import long_description
from raylm.corpus.sources.docstrings import docstrings, module_name
from raylm.corpus.sources.formats.json_lines import json_lines
from raylm.corpus.sources.formats.parquet_rows import parquet_rows
from raylm.errors import UserError
from raylm.pipeline.recipe import Recipe
from raylm.pipeline.run import _remember, load, plan
from raylm.storage import Folder


def folder(path, **more):
    return CorpusConfig.model_validate({"sources": [{"name": "mine", "kind": "folder", "path": str(path), **more}]})


def names(config):
    return sorted(f"{file.label}/{file.relative}" for file in list_files(config))


MINE = SourceConfig(name="mine", kind="folder", path="x")


def read(path, relative=None, **more):
    source = SourceConfig(name="mine", kind="folder", path=str(path.parent), **more)
    return list(KINDS["folder"].documents(path, relative or path.name, source))


def test_standard_library_is_found_without_tests_and_packages():
    config = CorpusConfig.model_validate({"sources": [{"name": "std", "kind": "python_stdlib"}]})
    found = names(config)
    assert "stdlib/json/decoder.py" in found and "stdlib/ast.py" in found
    assert not any("site-packages" in name or "/test/" in name or "__pycache__" in name for name in found)


def test_packages_descriptions_and_licences_are_found():
    for kind, ending in (("python_packages", ".py"), ("descriptions", ".dist-info/METADATA")):
        found = names(CorpusConfig.model_validate({"sources": [{"name": "a", "kind": kind}]}))
        assert found and all(name.startswith("site-packages/") and name.endswith(ending) for name in found)
    found = names(CorpusConfig.model_validate({"sources": [{"name": "a", "kind": "licences"}]}))
    assert found and all(".dist-info/" in name for name in found)


def test_a_cap_takes_a_fair_sample_that_does_not_depend_on_anything_else(tmp_path):
    for number in range(200):
        (tmp_path / f"{number}.txt").write_text("x" * (0 if number % 2 else 100))
    files = list_files(folder(tmp_path, max_bytes=3000))
    assert sum(file.size for file in files) == 3000 and files == list_files(folder(tmp_path, max_bytes=3000))
    assert 15 <= sum(file.size == 0 for file in files) <= 50  # not every empty file because each still fits
    (tmp_path / "huge.txt").write_text("x" * 5000)
    assert list_files(folder(tmp_path, max_bytes=3000)) == files


def test_missing_and_empty_folders_are_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    for path, expected in ((tmp_path / "gone", "no such file or folder"), (tmp_path / "gone*" / "*.txt", "no files to read"),
                           (tmp_path / "gone" / "*.txt", "no such file or folder"), (tmp_path / "empty", "no files to read"),
                           ("http://127.0.0.1:9/folder/", "cannot be listed"), ("bucket://x/y", "not a place that can be reached")):
        for function in (list_files, fingerprint):
            with pytest.raises(UserError, match=expected) as caught:
                function(folder(path))
            assert "\n" not in str(caught.value) and str(path).split("/*")[0] in str(caught.value)


def test_symbolic_link_loops_end_and_dangling_links_are_listed(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "text.txt").write_text("hello")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "dangling.txt").symlink_to(tmp_path / "gone")
    os.mkfifo(tmp_path / "pipe")
    found = [name.partition("/")[2] for name in names(folder(tmp_path))]
    assert found == ["a/text.txt", "dangling.txt"]


def test_hidden_files_and_globs_select(tmp_path):
    for name in ("a.txt", "b.md", ".secret", ".git/config", "deep/c.txt", "deep/d.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert [n.partition("/")[2] for n in names(folder(tmp_path))] == ["a.txt", "b.md", "deep/c.txt", "deep/d.log"]
    assert [n.partition("/")[2] for n in names(folder(tmp_path, include=["*.txt"], exclude=["deep/*"]))] == ["a.txt"]


def test_names_that_are_not_utf8_are_listed(tmp_path):
    with open(os.fsencode(tmp_path) + b"/caf\xe9.txt", "w") as stream:  # noqa: PTH123
        stream.write("hello")
    assert [n.partition("/")[2] for n in names(folder(tmp_path))] == ["caf\\xe9.txt"]


def test_fingerprint_sees_names_sizes_and_times_but_not_the_place(tmp_path):
    for place in ("one/corpus", "two/corpus"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "a.txt").write_text("hello")
        os.utime(tmp_path / place / "a.txt", ns=(10**18, 10**18))
    first = fingerprint(folder(tmp_path / "one/corpus"))
    assert first == fingerprint(folder(tmp_path / "two/corpus"))
    os.utime(tmp_path / "one/corpus/a.txt", ns=(10**18, 10**18 + 1))
    assert fingerprint(folder(tmp_path / "one/corpus")) != first


@pytest.mark.parametrize("section", [
    {"steps": [{"do": "near", "against": ["s3://bucket/a"]}]}, {"steps": [{"do": "keywords", "lists": ["s3://bucket/a"]}]},
    {"steps": [{"do": "decontaminate", "sets": [{"name": "a", "paths": "s3://bucket/a"}]}]},
    {"models": [{"name": "a", "kind": "fasttext", "labelled": [{"path": "s3://bucket/a", "positive": [1]}]}]}])
def test_a_store_that_does_not_answer_is_one_line_when_a_run_is_planned(tmp_path, monkeypatch, section):
    class Down(fs.SubTreeFileSystem):
        def get_file_info(self, path):
            raise OSError("When getting information for key 'a':\nAWS Error NETWORK_CONNECTION")

        def open_input_stream(self, *arguments, **more):
            raise OSError("When reading key 'a':\nAWS Error NETWORK_CONNECTION")

    monkeypatch.setattr(Folder, "_resolve", lambda folder: (Down(str(tmp_path), fs.LocalFileSystem()), "bucket/a"))
    (tmp_path / "a.txt").write_text("words")
    recipe = Recipe.model_validate({"name": "down", "corpus": folder(tmp_path).model_dump(include={"sources"}) | section})
    with pytest.raises(UserError, match=r"s3://bucket/a: (cannot be reached \()?When") as caught:
        plan(recipe)
    assert "\n" not in str(caught.value)


def test_a_finished_run_is_looked_at_without_the_lists_it_was_made_with(tmp_path):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("words")
    lists = {name: tmp_path / f"{name}.txt" for name in ("words", "domains")}
    for path in lists.values():
        path.write_text("casino\n")
    steps = [{"do": "keywords", "lists": [str(lists["words"])]}, {"do": "url_lists", "domains": [str(lists["domains"])]}]
    recipe = Recipe.model_validate({"name": "mine", "storage": str(tmp_path / "runs"),
                                    "corpus": {"steps": steps, **folder(tmp_path / "texts").model_dump(include={"sources"})}})
    first = plan(recipe)
    lists["words"].write_text("roulette\n")
    entries.cache_clear()
    assert plan(recipe).keys["read"] != first.keys["read"]
    _remember(first)
    for path in lists.values():
        path.unlink()
    entries.cache_clear()
    run = load(tmp_path / "runs" / "mine")
    assert run.keys == first.keys and "read" in run.status() and Path(run.report()).exists()
    with pytest.raises(UserError, match="cannot read the list"):
        plan(run.recipe)


def test_a_row_of_a_table_is_an_origin_of_its_own_and_the_same_for_every_source():
    rows = {origin_hash("notes", "rows.jsonl", row) for row in range(100)}
    assert len(rows) == 100
    assert origin_hash("notes", "rows.jsonl") not in rows
    assert origin_hash("notes", "rows.jsonl", 7) in rows


def test_ids_are_fixed_and_share_their_first_half_within_a_file():
    origin = origin_hash("stdlib", "json/decoder.py")
    code, prose = document_id(origin, "stdlib", 0), document_id(origin, "docstrings", 0)
    assert code[:17] == prose[:17] == f"{origin}-" and code != prose != document_id(origin, "docstrings", 1)
    assert origin == ORIGIN and len(code) == 33  # fixed: another value would be another held-out split
    assert partition(code, 977) == partition(prose, 977)
    ids = sorted(document_id(origin_hash("rows", "rows.jsonl", row), "stdlib", row) for row in range(4000))
    parts = [partition(one, 8) for one in ids]
    assert parts == sorted(parts)  # so partitions in order are all documents in order of id, however many there are
    assert set(parts) == set(range(8)) and max(parts.count(part) for part in range(8)) < 600


ORIGIN = "27ce2e43646ce792"


def test_docstrings_carry_qualified_names():
    source = '"""The module."""\n' + 'class A:\n    """A class."""\n    def f(self):\n        """Does f.\n\n        More."""\n' \
             'def g(): pass\n'
    assert docstrings(source, module_name("pack/mod.py")) == [
        ("pack.mod", "The module."), ("pack.mod.A", "A class."), ("pack.mod.A.f", "Does f.\n\nMore.")]
    assert module_name("pack/__init__.py") == "pack"
    kind = KINDS["docstrings"]
    assert kind.document("a.py", "x = 1", 5) == Unread(0, "no docstrings", 5)
    assert kind.document("a.py", "def (", 5) == Unread(0, "not valid Python", 5)
    assert kind.document("a.py", "(" * 5000, 5000) == Unread(0, "not valid Python", 5000)


def test_descriptions_are_taken_from_body_or_field():
    assert long_description("Name: a\n\n# A\n\ntext\n").strip() == "# A\n\ntext"
    assert long_description("Name: a\nDescription: one\n        two\n").strip() == "one\ntwo"
    assert long_description("Name: a\n").strip() == ""


def test_json_lines_give_a_document_each_and_bad_lines_cost_themselves(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"text": "one"}\nnot json\n\n{"body": "x"}\n[1]\n{"text": "tw\\u00f6"}\n')
    assert read(path) == [Record(0, "one", 3, "prose", alone=True), Unread(1, "not JSON", 8 + 1), Unread(3, "no text column", 14),
                          Unread(4, "no text column", 4), Record(5, "twö", 4, "prose", alone=True)]
    path.write_bytes(b"")
    assert read(path) == [Unread(0, "empty file", 0)]
    path.write_text(json.dumps({"body": "mine"}))
    assert read(path, text_column="body") == [Record(0, "mine", 4, "prose", alone=True)]


def test_parquet_gives_a_document_a_row(tmp_path):
    pq.write_table(pa.table({"text": ["one", None, "two"]}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == [Record(0, "one", 3, "prose", alone=True), Unread(1, "no text column", 0),
                                           Record(2, "two", 3, "prose", alone=True)]
    pq.write_table(pa.table({"body": ["one"]}), tmp_path / "b.parquet")
    assert [record.reason for record in read(tmp_path / "b.parquet")] == ["no text column"]
    (tmp_path / "c.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-20])
    assert [record.reason for record in read(tmp_path / "c.parquet")] == ["damaged Parquet"]


def test_a_parquet_row_that_is_no_utf8_costs_itself(tmp_path):
    lengths, data = np.array([0, 3, 6, 9], np.int32), b"one\xff\xfe!two"
    column = pa.StringArray.from_buffers(3, pa.py_buffer(lengths), pa.py_buffer(data))
    pq.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == [Record(0, "one", 3, "prose", alone=True), Unread(1, "unknown encoding", 3),
                                           Record(2, "two", 3, "prose", alone=True)]


def test_a_parquet_column_of_something_else_is_no_text(tmp_path):
    pq.write_table(pa.table({"text": pa.array([1, 10**15], pa.timestamp("ms"))}), tmp_path / "a.parquet")
    assert {record.reason for record in read(tmp_path / "a.parquet")} == {"no text column"}


def test_a_text_too_long_for_a_document_costs_its_row(tmp_path):
    pq.write_table(pa.table({"text": ["one", "x" * 101, "x" * 100]}), tmp_path / "a.parquet")
    found = list(parquet_rows(tmp_path / "a.parquet", MINE, limit=100))
    assert found[1] == Unread(1, "larger than a document may be", 101) and len(found) == 3
    assert [found[0].text, found[2].text] == ["one", "x" * 100]


@pytest.mark.parametrize("packed", [False, True])
def test_a_line_too_long_for_a_document_costs_itself_and_little_memory(tmp_path, packed):
    data = b'{"text": "one"}\n[' + b"1, " * 10_000_000 + b'1]\n{"text": "two"}\n["no end' + b" " * 2_000_000
    path = tmp_path / ("rows.jsonl.gz" if packed else "rows.jsonl")
    path.write_bytes(gzip.compress(data, 1) if packed else data)
    del data
    tracemalloc.start()
    found = list(json_lines(path, MINE, limit=2_000_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [Record(0, "one", 3, "prose", alone=True), Unread(1, "larger than a document may be", 30_000_004),
                     Record(2, "two", 3, "prose", alone=True), Unread(3, "larger than a document may be", 2_000_008)]
    assert peak < 10_000_000


@pytest.mark.parametrize(("width", "lines"), [(1_000_000, 50), (10_000, 5_000)])
def test_a_gzip_bomb_is_given_up(tmp_path, width, lines):
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "one"}\n' + (b"x" * width + b"\n") * lines + b'{"text": "two"}\n', 9))
    found = list(json_lines(path, MINE, limit=10_000))
    assert found[0].text == "one" and {record.reason for record in found[1:]} == {"larger than a document may be"}
    assert sum(record.raw_bytes for record in found) < 20 * 1_000_000  # of 50, and nothing behind them


@pytest.mark.parametrize("name", ["rows.jsonl.gz", "rows.parquet"])
def test_a_flipped_bit_never_costs_more_than_its_file(tmp_path, name):
    rng = random.Random(0)
    texts = [" ".join(rng.choice(("straße", "beta", "gamma", "schön")) for _ in range(rng.randint(5, 60))) for _ in range(400)]
    whole, broken = tmp_path / name, tmp_path / f"broken-{name}"
    if name.endswith(".gz"):
        whole.write_bytes(gzip.compress("".join(json.dumps({"text": text}) + "\n" for text in texts).encode(), mtime=0))
    else:
        pq.write_table(pa.table({"text": texts}), whole)
    data, reasons = whole.read_bytes(), set()
    for seed in range(60):
        bit = random.Random(seed).randrange(len(data) * 8)
        broken.write_bytes(data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :])
        reasons |= {record.reason for record in read(broken) if isinstance(record, Unread)}
    assert reasons and reasons <= {"damaged gzip", "truncated gzip", "not JSON", "no text column", "unknown encoding",
                                   "damaged Parquet"}


@pytest.mark.parametrize(("source", "message"), [
    ({"name": "a", "kind": "web"}, "one of descriptions, docstrings, folder"),
    ({"name": "a", "kind": "folder"}, "with a path"),
    ({"name": "a", "kind": "licences", "path": "x"}, "finds its own files"),
    ({"name": "A b", "kind": "licences"}, "pattern"),
])
def test_wrong_sources_are_refused(source, message):
    with pytest.raises(ValidationError, match=message):
        CorpusConfig.model_validate({"sources": [source]})


def test_two_sources_of_one_name_are_refused_and_priorities_rank():
    source = {"name": "a", "kind": "licences"}
    with pytest.raises(ValidationError, match="a is there twice"):
        CorpusConfig.model_validate({"sources": [source, source]})
    config = CorpusConfig.model_validate({"sources": [source, {"name": "b", "kind": "licences", "priority": -1}]})
    assert config.rank_by_source() == {"b": 0, "a": 1}


def test_batch_sizes_stay_out_of_the_identity():
    source = {"name": "a", "kind": "licences"}
    one = CorpusConfig.model_validate({"sources": [source], "batch_documents": 3})
    assert one.identity() == CorpusConfig.model_validate({"sources": [source]}).identity()
    assert "partitions" in one.identity()


def test_partitions_grow_with_the_text_and_with_nothing_else():
    source = {"name": "a", "kind": "licences"}
    config = CorpusConfig.model_validate({"sources": [source]})
    sizes = (0, 30_000_000, 800_000_000, 800_000_001, 10**12, 10**15)
    assert [config.partitions_for(size) for size in sizes] == [8, 8, 8, 9, 10_000, 65_536]
    assert CorpusConfig.model_validate({"sources": [source], "partitions": 3}).partitions_for(10**12) == 3
    with pytest.raises(ValidationError):
        CorpusConfig.model_validate({"sources": [source], "partitions": 0})


def test_compressed_files_count_as_the_text_in_them(tmp_path):
    for name in ("a.txt", "a.jsonl.gz", "a.parquet"):
        (tmp_path / name).write_bytes(b"x" * 100)
    assert {file.relative: file.text_bytes for file in list_files(folder(tmp_path))} == {
        "a.txt": 100, "a.jsonl.gz": 400, "a.parquet": 400}


@pytest.mark.parametrize("storage", ["runs", "deep/er", "."])
def test_a_storage_inside_a_source_is_not_read_as_text(tmp_path, storage):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "mine.txt").write_text("hello")
    recipe = Recipe.model_validate({"name": "first", "storage": str(tmp_path / storage), "corpus": {"sources": [
        {"name": "mine", "kind": "folder", "path": str(tmp_path)}]}})
    before = plan(recipe)
    _remember(before)
    (tmp_path / storage / "first" / "report.html").write_text("a report")
    documents = Path(before.artifact("corpus").folder.child("documents").create().uri)
    pq.write_table(pa.table({"text": ["one"]}), documents / "part-00000.parquet")
    assert plan(recipe).keys == before.keys
    assert [name.partition("/")[2] for name in names(recipe.corpus)] == ["deep/mine.txt"]
