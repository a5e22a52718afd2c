"""Every format gives the documents that are in it, packed in any way; what is broken costs itself and is named."""

import bz2
import gzip
import json
import random
import time
import tracemalloc

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from raylm.corpus.sources import KINDS, Record, SourceConfig, Unread
from raylm.corpus.sources.formats.csv_rows import csv_rows, fields, still_open, typed
from raylm.corpus.sources.formats.json_lines import json_lines
from raylm.corpus.sources.formats.rows import plain
from raylm.corpus.sources.formats.web_archive import web_archive

PACK = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".zst": lambda data: zstd(data)}
CUT = {".gz": "truncated gzip", ".bz2": "truncated bzip2", ".zst": "truncated zstd"}


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


def source(**more):
    return SourceConfig(name="mine", kind="folder", path="x", **more)


def read(path, **more):
    return list(KINDS["folder"].documents(str(path), path.name, source(**more)))


def texts(records):
    return [record.text if isinstance(record, Record) else record.reason for record in records]


def warc(*records: tuple[str, str, str, bytes], length=None) -> bytes:
    """Records of (type, target, content type, block); `length` falsifies that of the second."""
    parts = []
    for number, (kind, target, content_type, block) in enumerate(records):
        size = length if length is not None and number == 1 else len(block)
        parts.append(f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {target}\r\nWARC-Date: 2026-11-2{number}T00:00:00Z\r\n"
                     f"Content-Type: {content_type}\r\nContent-Length: {size}\r\n\r\n".encode() + block + b"\r\n\r\n")
    return b"".join(parts)


def page(text: str, status="200 OK", headers="", charset="utf-8") -> bytes:
    body = f"<html><head><title>t</title></head><body><article><p>{text}</p></article></body></html>".encode(charset)
    return f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset={charset}\r\n{headers}\r\n".encode() + body


PROSE = "This is a paragraph of a page that has enough words in it to be taken for the main text of the page by an extractor. " * 3


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.jsonl", "a.csv", "a.tsv", "a.warc", "a.wet", "a.html"])
def test_every_format_is_read_however_it_is_packed(tmp_path, name, packing):
    data = {
        "a.jsonl": b'{"text": "one", "url": "http://a"}\n{"text": "two"}\n',
        "a.csv": b'id,text\n1,one\n2,"t""w,o"\n', "a.tsv": b'id\ttext\n1\tone\n2\ttwo\n',
        "a.wet": warc(("warcinfo", "", "application/warc-fields", b"x: y"), ("conversion", "http://a/1", "text/plain", b"one"),
                      ("conversion", "http://a/2", "text/plain", b"two")),
        "a.warc": warc(("request", "http://a/1", "application/http", b"GET /"),
                       ("response", "http://a/1", "application/http", page("one")),
                       ("response", "http://a/2", "application/http; msgtype=response", page("two"))),
        "a.html": page("one").partition(b"\r\n\r\n")[2],
    }.get(name, b"one")
    path = tmp_path / (name + packing)
    path.write_bytes(PACK[packing](data))
    found = read(path, extract="visible")
    expected = {"a.txt": ["one"], "a.md": ["one"], "a.csv": ["one", 't"w,o'], "a.html": ["one"]}.get(name, ["one", "two"])
    assert texts(found) == expected
    assert {record.content for record in found} == {"prose"}
    assert {record.alone for record in found} == {name not in ("a.txt", "a.md", "a.html")}
    nameless = tmp_path / "data"  # neither how it is packed nor, where its first bytes tell, what it is need be in the name
    nameless.write_bytes(path.read_bytes())
    if name in ("a.txt", "a.warc", "a.wet", "a.html"):
        assert texts(read(nameless, extract="visible")) == expected


@pytest.mark.parametrize("packing", CUT)
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv", "pages.wet"])
def test_what_came_before_the_place_where_a_file_was_cut_off_is_kept(tmp_path, name, packing):
    words = [random.Random(number).randbytes(400).hex() for number in range(2500)]
    data = {"rows.jsonl": "".join(json.dumps({"text": word}) + "\n" for word in words).encode(),
            "rows.csv": ("text\n" + "\n".join(words) + "\n").encode(),
            "pages.wet": warc(*(("conversion", "http://a", "text/plain", word.encode()) for word in words))}[name]
    whole = PACK[packing](data)
    path = tmp_path / (name + packing)
    path.write_bytes(whole[: len(whole) * 3 // 4])
    found = texts(read(path))
    assert found[:-1] == words[: len(found) - 1] and len(found) > 500 and found[-1] == CUT[packing]
    path.write_bytes(b"\x1f\x8b\x08 nothing of the kind")
    assert texts(read(path)) == [f"damaged {CUT[packing].split()[1]}"]
    path.write_bytes(PACK[packing](data[:100_000]) + PACK[packing](data[100_000:]))  # two members are one file
    assert texts(read(path)) == words


@pytest.mark.parametrize("packing", CUT)
def test_a_bomb_is_given_up_in_bounded_time_and_memory(tmp_path, packing, monkeypatch):
    monkeypatch.setattr("raylm.corpus.files.unpack.SLACK", 1 << 20)
    monkeypatch.setattr("raylm.corpus.files.unpack.RATIO", 20)
    path = tmp_path / f"rows.jsonl{packing}"
    path.write_bytes(PACK[packing]((json.dumps({"text": "one " * 2000}) + "\n").encode() * 500))
    tracemalloc.start()
    found = 0
    for record in KINDS["folder"].documents(str(path), path.name, source()):
        found, last = found + 1, record
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert last.reason == "decompression bomb" and 100 < found < 500 and peak < 6_000_000


def test_columns_of_a_row_become_address_and_metadata(tmp_path):
    row = {"body": "words", "meta": {"link": "http://a/b", "n": 3}, "score": 7.5, "tags": ["a", {"b": 1}], "big": 10**30,
           "no": None, "half": "a\ud800b", "long": "x" * 20_000, "yes": True}
    columns = {"url": "meta.link", "likes": "score", "n": "meta.n", "tags": "tags", "big": "big", "no": "no", "half": "half",
               "long": "long", "yes": "yes", "gone": "meta.gone.deeper"}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + '\n{"body": "nan", "score": NaN, "url": "http://unused"}\n')
    first, second = read(tmp_path / "rows.jsonl", text_column="body", columns=columns)
    assert first.url == "http://a/b"
    assert first.metadata == {"likes": 7.5, "n": 3, "tags": '["a", {"b": 1}]', "big": 1e30, "no": None, "half": "a?b",
                              "long": "x" * 10_000, "yes": True, "gone": None}
    assert second.url is None and second.metadata["likes"] is None
    (tmp_path / "deep.jsonl").write_text('{"a": {"text": "words"}, "url": "http://a"}\n')
    assert read(tmp_path / "deep.jsonl", text_column="a.text") == [Record(0, "words", 5, "prose", alone=True, url="http://a")]
    table = pa.table({"text": ["one", "two"], "url": ["http://1", None], "likes": [3, None], "info": [{"language": "en"}, None]})
    pq.write_table(table, tmp_path / "rows.parquet")
    found = read(tmp_path / "rows.parquet", columns={"likes": "likes", "language": "info.language"})
    assert [(record.url, record.metadata) for record in found] == [
        ("http://1", {"likes": 3, "language": "en"}), (None, {"likes": None, "language": None})]
    (tmp_path / "rows.csv").write_text("text,likes,price,zip,url\none,3,-1.5,01234,http://1\ntwo,,1e5,x,\n")
    found = read(tmp_path / "rows.csv", columns={"likes": "likes", "price": "price", "zip": "zip"})
    assert [(record.url, record.metadata) for record in found] == [
        ("http://1", {"likes": 3, "price": -1.5, "zip": "01234"}), (None, {"likes": None, "price": "1e5", "zip": "x"})]
    json.dumps([record.metadata for record in found], allow_nan=False)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"\xff\xfe", object(), {1: {2}}, "\udfff", 2**63, -(2**70), 10**400])
def test_any_value_becomes_one_that_json_and_utf8_hold(value):
    json.dumps(plain(value), allow_nan=False, ensure_ascii=False).encode()


def test_rows_say_what_they_are_judged_as(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"text": "x = 1"}\n')
    (tmp_path / "notes.txt").write_text("words")
    assert {record.content for name in ("rows.jsonl", "notes.txt") for record in read(tmp_path / name, content="code")} == {"code"}


def test_html_in_rows_is_extracted_if_asked(tmp_path):
    (tmp_path / "rows.jsonl").write_text(json.dumps({"text": f"<html><body><p>{PROSE}</p></body></html>"}) + '\n{"text": ""}\n')
    found = read(tmp_path / "rows.jsonl", extract="trafilatura", extract_rows=True)
    assert texts(found) == [PROSE.strip(), "no main text"]


def test_csv_is_split_as_the_standard_says_and_stray_marks_cost_little():
    assert fields('a,"b,""c""",d', ",") == ["a", 'b,"c"', "d"] and fields('"",', ",") == ["", ""]
    assert fields('5" disk,"x"y', ",") == ['5" disk', "xy"] and fields("a\tb,c", "\t") == ["a", "b,c"]
    assert still_open(b'a,"b', False, b",") and not still_open(b'5" disk,b', False, b",") and not still_open(b'b""c"', True, b",")
    assert [typed(value) for value in ("7", "-0.5", "007", "1.2.3", "", "9" * 30)] == [7, -0.5, "007", "1.2.3", None, "9" * 30]


@pytest.mark.parametrize("packing", ["", ".gz"])
def test_broken_csv_rows_cost_themselves(tmp_path, packing):
    path = tmp_path / f"rows.csv{packing}"

    def found(data, **more):
        path.write_bytes(PACK[packing](data))
        return [r.text if isinstance(r, Record) else r.reason for r in csv_rows(str(path), source(), **more)]

    assert found(b'\xef\xbb\xbftext,n\r\none,1\r\ntoo,many,fields\r\nfew\r\n\r\n"two\nlines",2\r\nlast,3') == [
        "one", "broken CSV row", "broken CSV row", "two\nlines", "last"]
    assert found(b'text,n\none,1\n"never closed,2\nthree,3\nfour,4\n') == ["one", "broken CSV row", "three", "four"]
    assert found(b'n\n1\n') == ["no text column"] and found(b"") == [] == found(b"text\n")
    assert found(b"text,n\n\xff\xfe\x81,1\nnul\0here,2\n") == ["binary"]
    late = b"text,n\n" + b"fine,1\n" * 30_000 + b"nul\0here,2\n\x81\x82\x83,3\n"
    assert found(late)[-3:] == ["fine", "nul\0here", "unknown encoding"]
    chinese = "你好世界，这是一段比较长的中文文字。"
    assert found(f"text,n\n{chinese},1\n".encode("gb18030")) == [chinese]
    huge = b'text,n\none,1\n"' + b"x" * 3_000_000 + b'",2\nthree,3\n'
    assert found(huge, limit=1_000_000) == ["one", "larger than a document may be", "three"]
    spread = b'text,n\none,1\n"' + b"x\n" * 6000 + b'",2\nthree,3\n'
    assert found(spread, limit=10_000)[:2] == ["one", "broken CSV row"] and found(spread, limit=10_000)[-1] == "three"


def test_many_rows_without_an_end_take_bounded_time(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(b"text,n\n" + b'"open,1\nclosed",2,3\n' * 20_000 + b'"open\n' * 3)
    start = time.monotonic()
    assert {record.reason for record in csv_rows(str(path), source())} == {"broken CSV row"}
    assert time.monotonic() - start < 5


def test_a_field_of_50_megabytes_is_a_document_and_little_more_memory(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(b'text,n\n"' + b"word " * 10_000_000 + b'",2\nthree,3\n')
    tracemalloc.start()
    sizes = [record.raw_bytes for record in csv_rows(str(path), source())]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sizes == [50_000_000, 5] and peak < 320_000_000


def test_json_broken_in_the_middle_costs_its_lines(tmp_path):
    (tmp_path / "rows.jsonl").write_bytes(
        b'{"text": "one"}\n{"text": "cut o\n{"text": "two", "url": 5}\n' + b"[" * 100_000 + b'\n{"text": "\\ud800"}\n{"text": 7}\n'
        b'{"text": "nul \\u0000"}\n\0\0\0\n{"text": ' + b"9" * 10_000 + b'}\n{"text": "last"}')
    found = read(tmp_path / "rows.jsonl")
    assert texts(found) == ["one", "not JSON", "two", "not JSON", "\ud800", "no text column", "nul \0", "not JSON", "not JSON",
                            "last"]
    assert [record.index for record in found] == list(range(10)) and found[2].url is None


def test_json_lines_in_another_encoding(tmp_path, shared_data):
    with gzip.open(shared_data / "poetry_zh" / "tang.jsonl.gz", "rt") as lines:
        poems = [json.loads(line)["text"] for line, _ in zip(lines, range(200), strict=False)]
    for encoding in ("gb18030", "big5hkscs"):
        usable = [poem for poem in poems if poem.encode(encoding, "ignore").decode(encoding) == poem]
        lines = "".join(json.dumps({"text": poem}, ensure_ascii=False) + "\n" for poem in usable)
        (tmp_path / "rows.jsonl").write_bytes(lines.encode(encoding))
        assert texts(json_lines(str(tmp_path / "rows.jsonl"), source())) == usable and len(usable) > 100


def test_a_parquet_dictionary_bomb_is_not_spread_out(tmp_path):
    value = "x" * 5_000_000
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 4000, pa.int32()), pa.array([value]))
    pq.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    before = pa.total_allocated_bytes()
    sizes = []
    for record in KINDS["folder"].documents(str(tmp_path / "a.parquet"), "a.parquet", source()):
        sizes.append(record.raw_bytes)
        assert pa.total_allocated_bytes() - before < 200_000_000
        if len(sizes) == 600:
            break
    assert sizes == [5_000_000] * 600


def test_pages_of_an_archive_carry_their_address_date_and_headers(tmp_path):
    path = tmp_path / "a.warc"
    path.write_bytes(warc(
        ("response", "<http://a/1>", "application/http", page(PROSE)),
        ("response", "http://a/2", "application/http", page(PROSE, status="404 Not Found")),
        ("response", "http://a/3", "application/http", b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n\x89PNG"),
        ("response", "http://a/4", "application/http", b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nplain words"),
        ("response", "http://a/5", "application/http", b"nonsense"),
        ("response", "http://a/6", "application/http", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"),
        ("resource", "http://a/7", "text/html", f"<html><body><p>{PROSE}</p></body></html>".encode()),
        ("resource", "metadata://gnu.org/log", "text/plain", b"log")))
    found = read(path, columns={"kind": "WARC-Type", "none": "X-None"})
    assert texts(found) == [PROSE.strip(), "HTTP status not 200", "no page", "plain words", "broken HTTP response", "empty page",
                            PROSE.strip()]
    assert found[0].url == "http://a/1" and found[6].url == "http://a/7" and [record.index for record in found] == list(range(7))
    assert found[0].metadata == {"date": "2026-11-20T00:00:00Z", "kind": "response", "none": None}


@pytest.mark.parametrize(("headers", "pack"), [
    ("Content-Encoding: gzip\r\n", gzip.compress),
    ("Content-Encoding: gzip\r\n", bytes),
    ("Content-Encoding: br\r\n", lambda body: pa.compress(body, "brotli", asbytes=True)),
    ("Content-Encoding: zstd\r\n", zstd),
    ("Content-Encoding: deflate\r\n", lambda body: __import__("zlib").compress(body)),
    ("Content-Encoding: deflate\r\n", lambda body: __import__("zlib").compress(body)[2:-4]),
    ("Transfer-Encoding: chunked\r\n",
     lambda body: b"%x;a=b\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (50, body[:50], len(body) - 50, body[50:])),
    ("Transfer-Encoding: chunked\r\n", bytes),
])
def test_bodies_are_unwrapped_as_they_are_and_not_as_the_header_says(tmp_path, headers, pack):
    head, _, body = page(PROSE, headers=headers).partition(b"\r\n\r\n")
    (tmp_path / "a.warc").write_bytes(warc(("response", "http://a", "application/http", head + b"\r\n\r\n" + pack(body))))
    assert texts(read(tmp_path / "a.warc", extract="visible")) == [PROSE.strip()]


def test_a_body_that_unpacks_to_too_much_costs_itself(tmp_path):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n"
    (tmp_path / "a.warc").write_bytes(warc(("response", "http://a", "application/http", head + gzip.compress(b"a" * 5_000_000)),
                                           ("conversion", "http://b", "text/plain", b"fine")))
    assert texts(web_archive(str(tmp_path / "a.warc"), source(), limit=1_000_000)) == ["larger than a document may be", "fine"]


@pytest.mark.parametrize(("length", "reason"), [
    (8, "damaged WARC record"), (0, "damaged WARC record"), (-5, "damaged WARC record"), ("many", "damaged WARC record"),
    (10**15, "damaged WARC record"), (700, "damaged WARC record"), ("٣", "damaged WARC record")])
def test_a_wrong_length_costs_its_record_alone(tmp_path, length, reason):
    data = warc(*(("conversion", f"http://a/{number}", "text/plain", f"text {number} ".encode() * 20) for number in range(6)),
                length=length)
    (tmp_path / "a.wet").write_bytes(data)
    found = texts(read(tmp_path / "a.wet"))
    assert found[0] == "text 0 " * 20 and found[1] == reason and found[-1] == "text 5 " * 20
    assert found.count(reason) == 1 and len(found) >= 5  # a length of 700 hides the record after it


@pytest.mark.parametrize("length", [5027, 10**12, 0, 3, -5, "many"])
@pytest.mark.parametrize("kind", ["request", "warcinfo"])
def test_a_wrong_length_of_what_is_passed_over_hides_no_text(tmp_path, kind, length):
    whole = [(other, f"http://a/{number}", "text/plain", f"{other} {number} ".encode() * 20)
             for number in range(50) for other in ("conversion", "request")]
    whole[1] = (kind, *whole[1][1:])
    (tmp_path / "a.wet").write_bytes(warc(*whole, length=length))
    assert texts(read(tmp_path / "a.wet")) == [
        "conversion 0 " * 20, "damaged WARC record", *(f"conversion {number} " * 20 for number in range(1, 50))]
    (tmp_path / "a.wet").write_bytes(warc(*whole[:4])[:-30])
    assert texts(read(tmp_path / "a.wet")) == ["conversion 0 " * 20, "conversion 1 " * 20, "truncated WARC"]


def test_what_is_no_archive_or_is_cut_off_is_named(tmp_path):
    whole = warc(*(("conversion", "http://a", "text/plain", b"some text " * 20) for _ in range(3)))
    for data, expected in ((whole[:-100], ["some text " * 20] * 2 + ["truncated WARC"]), (b"", ["empty file"]),
                           (b"words\n" * 10_000, ["no WARC records"]), (b"WARC/1.0\r\n" + b"x" * 1_000_000, ["no WARC records"]),
                           (b"junk\n" * 100 + whole, ["some text " * 20] * 3)):
        (tmp_path / "a.warc").write_bytes(data)
        assert texts(read(tmp_path / "a.warc")) == expected


def test_archives_agree_with_fastwarc(shared_data):
    warc_module = pytest.importorskip("fastwarc.warc")
    path = shared_data / "warc" / "sample-0000.warc.gz"
    found = read(path, extract="visible")
    with path.open("rb") as stream:
        theirs = [record.headers["WARC-Target-URI"].strip("<>") for record in warc_module.ArchiveIterator(stream, parse_http=True)
                  if record.record_type == warc_module.response and record.http_headers.status_code == 200]
    assert [record.url for record in found if isinstance(record, Record)] == theirs and len(theirs) == 22


def test_a_flipped_bit_never_costs_more_than_its_file(tmp_path):
    whole = warc(*(("response", f"http://a/{number}", "application/http", page(PROSE)) for number in range(20)))
    reasons = set()
    for seed in range(60):
        rng = random.Random(seed)
        data = bytearray(gzip.compress(whole) if seed % 2 else whole)
        for _ in range(5):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path = tmp_path / ("a.warc.gz" if seed % 2 else "a.warc")
        path.write_bytes(data)
        found = read(path, extract="visible")
        # What follows the damage in a packed file may be unpacked to the same bytes again and again.
        assert sum(isinstance(record, Record) for record in found) <= 20 and (seed % 2 or len(found) <= 22)
        reasons |= {record.reason for record in found if isinstance(record, Unread)}
    assert reasons <= {"damaged gzip", "truncated gzip", "damaged WARC record", "truncated WARC", "no page", "HTTP status not 200",
                       "broken HTTP response", "no main text", "no WARC records", "unknown encoding", "empty page"}


def test_a_file_without_a_single_document_is_counted_as_empty(tmp_path):
    log = warc(("resource", "metadata://gnu.org/log", "text/plain", b"log"), ("request", "http://a", "application/http", b"GET /"))
    for name, data in (("a.jsonl", b""), ("b.jsonl", b"\n  \n\n"), ("a.csv", b""), ("b.csv", b"text\n\n"), ("a.warc", b""),
                       ("b.warc", log), ("a.txt", b"")):
        (tmp_path / name).write_bytes(data)
        assert read(tmp_path / name) == [Unread(0, "empty file", len(data))], name
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "a.parquet")
    assert texts(read(tmp_path / "a.parquet")) == ["empty file"]
    pq.write_table(pa.table({"text": ["", "  "]}), tmp_path / "blank.parquet")
    assert texts(read(tmp_path / "blank.parquet")) == ["", "  "]


def test_without_an_extractor_html_files_are_source_code(tmp_path):
    (tmp_path / "a.html").write_bytes(page(PROSE).partition(b"\r\n\r\n")[2])
    assert read(tmp_path / "a.html")[0].content == "code" and "<article>" in read(tmp_path / "a.html")[0].text
    assert read(tmp_path / "a.html", extract="trafilatura")[0].text == PROSE.strip()
    (tmp_path / "view.php").write_bytes((tmp_path / "a.html").read_bytes())
    assert read(tmp_path / "view.php", extract="trafilatura")[0].text == PROSE.strip()
    assert read(tmp_path / "view.php")[0].content == "code"
