"""Whatever is wrong with a file is named in fixed words; what is text is decoded as its author meant it."""

import codecs
import gzip
import json
import os
import random
import time

import pytest

from raylm.corpus.cleaning import clean
from raylm.corpus.encoding import decode_html
from raylm.corpus.reading import ReadError, decode, read_file


def reason(function, *arguments):
    with pytest.raises(ReadError) as caught:
        function(*arguments)
    return caught.value.reason


@pytest.mark.parametrize(("data", "python", "text"), [
    ("naïve café".encode(), False, "naïve café"),
    (codecs.BOM_UTF8 + b"hello", False, "hello"),
    ("hello wörld".encode("utf-16"), False, "hello wörld"),
    ("hello wörld".encode("utf-32"), False, "hello wörld"),
    ("# -*- coding: latin-1 -*-\nx = 'é'".encode("latin-1"), True, "# -*- coding: latin-1 -*-\nx = 'é'"),
    ("# coding: koi8-r\nx = 'Привет'".encode("koi8-r"), True, "# coding: koi8-r\nx = 'Привет'"),
    ("Die Größe der Straße ist schön, und das „Maß“ auch.".encode("cp1252"), False,
     "Die Größe der Straße ist schön, und das „Maß“ auch."),
])
def test_encodings_are_told_apart(data, python, text):
    assert decode(data, python) == text


@pytest.mark.parametrize("data", [random.Random(0).randbytes(2000).replace(b"\0", b""),
                                  b"\x81\x82\x83", b"# coding: no-such-codec\nx = '\xe9\xe9\xff\xfe\x81'"])
def test_bytes_that_are_no_text_are_not_guessed(data):
    assert reason(decode, data, True) == "unknown encoding"


@pytest.mark.parametrize("label", ["undefined", "idna", "punycode", "unicode_escape", "utf-7", "rot13", "zlib", "no-such-codec"])
def test_a_page_cannot_declare_what_is_no_encoding_of_the_web(label):
    text = "<p>Die Straße ist schön.</p>" * 20_000
    start = time.monotonic()
    for data in (text.encode(), text.encode("cp1252")):
        assert decode_html(data, label) == text
        assert decode_html(f'<meta charset="{label}">'.encode() + data).endswith(text)
    source = f"# coding: {label}\n".encode() + "# Größe\n".encode("cp1252") * 40_000
    assert decode(source, python=True).endswith("# Größe\n")
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(("label", "codec"), [
    ("iso-8859-8-i", "iso8859-8"), ("Windows-874", "cp874"), ("x-mac-cyrillic", "mac-cyrillic"), ("koi8-r", "koi8-r"),
    ("x-sjis", "cp932"), ("gb2312", "gbk"), ("ks_c_5601-1987", "cp949"), ("iso-8859-1", "cp1252"), ("cp866", "cp866")])
def test_a_page_is_in_the_encoding_of_the_web_that_it_declares(label, codec):
    text = {"iso8859-8": "שלום עולם", "cp874": "สวัสดีชาวโลก", "cp932": "こんにちは世界", "gbk": "你好世界",
            "cp949": "안녕하세요 세계", "cp1252": "“schön”"}.get(codec, "Привет, мир")
    assert decode_html(text.encode(codec), label) == text
    assert decode_html(f'<?xml version="1.0" encoding="{label}"?>'.encode() + text.encode(codec)).endswith(text)


def test_reasons_of_bad_files(tmp_path):
    def written(name, data):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    whole = gzip.compress(b"some words " * 5000 + random.Random(1).randbytes(5000).hex().encode())
    assert reason(read_file, written("empty.txt", b"")) == "empty file"
    assert reason(read_file, written("empty.txt.gz", gzip.compress(b""))) == "empty file"
    assert reason(read_file, written("cut.txt.gz", whole[: len(whole) // 2])) == "truncated gzip"
    assert reason(read_file, written("no.txt.gz", b"this is not gzip")) == "damaged gzip"
    assert reason(read_file, written("elf", b"\x7fELF\x02\x01\x00\x00")) == "binary"
    assert reason(read_file, written("late", b"text " * 5000 + b"\0")) == "binary"
    assert reason(read_file, tmp_path / "gone") == "unreadable: no such file"
    assert reason(read_file, tmp_path) == "unreadable: is a folder"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert reason(read_file, tmp_path / "loop") == "unreadable: symbolic link loop"
    assert reason(read_file, written("large.txt", b"x" * 100), 99) == "larger than a document may be"
    assert read_file(written("good.txt.gz", whole)) == gzip.decompress(whole)


def test_gzip_bomb_is_not_unpacked_beyond_the_limit(tmp_path):
    bomb = tmp_path / "bomb.txt.gz"
    bomb.write_bytes(gzip.compress(b"a" * 3_000_000))
    assert reason(read_file, bomb, 100_000) == "larger than a document may be"


def test_permission_denied_is_named(tmp_path, monkeypatch):
    (tmp_path / "secret.txt").write_text("words")
    opening = os.open  # root may read anything, so the refusal is played

    def refuse(path, *arguments, **more):
        if str(path).endswith("secret.txt"):
            raise PermissionError(13, "Permission denied")
        return opening(path, *arguments, **more)

    monkeypatch.setattr(os, "open", refuse)
    assert reason(read_file, tmp_path / "secret.txt") == "unreadable: permission denied"


@pytest.mark.parametrize(("text", "cleaned"), [
    ("a\r\nb\rc", "a\nb\nc\n"),
    ("cafe\u0301", "café\n"),
    ("a\x00b\x1b[0m\ufeff", "ab[0m\n"),
    ("  x = 1   \n\n\n\n\n\ny\t\n", "  x = 1\n\n\ny\n"),
    ("\n\n", ""),
    ("a\ud800b", "ab\n"),
    ("if x:\n\treturn\n", "if x:\n\treturn\n"),
])
def test_cleaning_changes_form_only(text, cleaned):
    assert clean(text) == cleaned
    assert clean(cleaned) == cleaned


LEGACY = {"zh": ["gb18030", "big5"], "ja": ["cp932", "euc_jp", "iso2022_jp"], "ko": ["euc_kr"],
          "ru": ["koi8_r", "cp1251", "cp866"],
          "uk": ["cp1251", "koi8_u"], "de": ["cp1252"], "fr": ["cp1252"], "it": ["cp1252"], "pl": ["cp1250", "iso8859_2"],
          "cs": ["cp1250"],
          "hu": ["cp1250"],
          "el": ["cp1253"], "tr": ["cp1254"], "he": ["cp1255"], "ar": ["cp1256"], "lt": ["cp1257"], "vi": ["cp1258"],
          "th": ["cp874"]}


@pytest.mark.parametrize(("language", "encoding"), [(one, encoding) for one, known in LEGACY.items() for encoding in known])
def test_real_text_in_the_encodings_of_its_language_is_read_as_it_was_written(language, encoding, shared_data):
    with gzip.open(shared_data / "language" / "sentences.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    sentences = [row["text"] for row in rows if row["language"] == language]
    text = "\n".join(sentence for sentence in sentences if sentence.encode(encoding, "ignore").decode(encoding) == sentence)
    if not text:
        text = "\n".join(sentences).encode(encoding, "ignore").decode(encoding)
    assert decode(text.encode(encoding)) == text


def test_captions_and_poems_in_legacy_encodings_come_back(shared_data):
    for name, encoding in (("de", "cp1252"), ("fr", "cp1252")):
        text = gzip.decompress((shared_data / "translation" / f"multi30k_val.{name}.gz").read_bytes()).decode()
        text = text.encode(encoding, "ignore").decode(encoding)
        assert decode(text.encode(encoding)) == text
    with gzip.open(shared_data / "poetry_zh" / "tang.jsonl.gz", "rt") as lines:
        poems = [json.loads(line)["text"] for line in lines]
    known = [poem for poem in poems[:500] if read_or_none(poem.encode("gb18030")) == poem]
    assert len(known) >= 400  # single poems, some of fifty characters
    assert decode("\n".join(poems).encode("gb18030")) == "\n".join(poems)


def read_or_none(data):
    try:
        return decode(data)
    except ReadError as error:
        assert error.reason == "unknown encoding"
        return None


def test_random_bytes_are_never_text():
    for seed in range(200):
        data = random.Random(seed).randbytes(300).replace(b"\0", b"")
        assert reason(decode, data) == "unknown encoding"


def test_a_guess_takes_little_of_a_large_file():
    text = ("plain words " * 1_000_000 + "Größe und Länge für die Straße; ") * 2
    start = time.monotonic()
    assert decode(text.encode("cp1252")) == text and time.monotonic() - start < 3


def test_a_document_of_100_megabytes_is_read(tmp_path):
    line = "eine Zeile mit Wörtern darin, wie sie in Büchern steht\n"
    text = line * (100_000_000 // len(line.encode()))
    (tmp_path / "large.txt").write_text(text)
    assert decode(read_file(tmp_path / "large.txt")) == text
