"""Reading the texts of evaluation sets: JSON lines, JSON, CSV, Parquet and plain text (an item a line), compressed or not.

They are small and trusted to be whole: what cannot be read is an error, not a counted reason, for an item that is skipped in
silence is one that a model may have been trained on.
"""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from raylm.errors import UserError
from raylm.storage import Folder

_COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
KINDS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".txt", ".md")
_LONGEST_FIELD = 1 << 27


def items(place: str, columns: tuple[str, ...]) -> Iterator[tuple[str, int, list[str]]]:
    """Yield (file, row, texts) of each item of a file, or of all files of a folder.

    Args:
        place: a path or URI.
        columns: whose strings are taken, at any depth; none means all.

    Raises:
        UserError: nothing there, a file that cannot be read, a column that no row has.
    """
    missing = set(columns)
    for name in _files(place):
        try:
            for row, value in enumerate(_rows(name)):
                missing -= set(value)
                chosen = [value[column] for column in columns if column in value] if columns else [value]
                yield name, row, list(_strings(chosen))
        except (OSError, ValueError, csv.Error, pa.ArrowInvalid) as error:
            raise UserError(f"{name}: cannot be read as an evaluation set ({error})") from None
    if missing:
        raise UserError(f"{place}: no column {', '.join(sorted(missing))} in this evaluation set")


def _files(place: str) -> list[str]:
    at = Folder.at(place)
    found = at.filesystem.get_file_info(at.path)
    if found.type == fs.FileType.NotFound:
        raise UserError(f"{place}: no such file or folder")
    if found.type == fs.FileType.File:
        if not _kind(place):
            raise UserError(f"{place}: got a file of another kind, allowed: {', '.join(KINDS)}, also with {', '.join(_COMPRESSED)}")
        return [at.uri]
    infos = at.filesystem.get_file_info(fs.FileSelector(at.path, recursive=True))
    names = sorted(info.path for info in infos if info.type == fs.FileType.File and _kind(info.path))
    if not names:
        raise UserError(f"{place}: no evaluation file in this folder, allowed: {', '.join(KINDS)}")
    return [at.uri + name[len(at.path) :] for name in names]


def _kind(name: str) -> str:
    """Return which of `KINDS` a file is by its name, "" if none."""
    for ending in _COMPRESSED:
        name = name.removesuffix(ending)
    return next((kind for kind in KINDS if name.lower().endswith(kind)), "")


def _rows(name: str) -> Iterator[dict[str, Any]]:
    folder, _, file = name.rpartition("/")
    at = Folder.at(folder or "/")
    kind = _kind(name)
    if kind == ".parquet":
        with at.filesystem.open_input_file(at.file(file)) as stream, pq.ParquetFile(stream) as table:
            for batch in table.iter_batches():
                yield from batch.to_pylist()
        return
    compression = next((method for ending, method in _COMPRESSED.items() if name.endswith(ending)), None)
    with closing(at.filesystem.open_input_stream(at.file(file), compression=compression)) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        if kind in (".csv", ".tsv"):
            csv.field_size_limit(_LONGEST_FIELD)
            yield from csv.DictReader(text, delimiter="\t" if kind == ".tsv" else ",")
        elif kind == ".json":
            value = json.load(text)
            yield from (_row(one) for one in (value if isinstance(value, list) else [value]))
        elif kind in (".jsonl", ".ndjson"):
            yield from (_row(json.loads(line)) for line in text if line.strip())
        else:
            yield from ({"text": line} for line in text if line.strip())


def _row(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"text": value}


def _strings(value: Any) -> Iterator[str]:
    """Yield the strings in a value, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _strings(one)
