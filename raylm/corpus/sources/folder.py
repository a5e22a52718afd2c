"""A folder of the user's own files: plain text and code by content, whatever the extension; .jsonl and .parquet by a text column.

Hidden files and folders are left alone. A .gz file is read as what it holds.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from raylm.corpus.reading import ReadError, decode, explain
from raylm.corpus.sources.base import Content, Record, Root, SourceKind, Unread
from raylm.corpus.sources.config import SourceConfig
from raylm.errors import UserError

CODE = frozenset((
    ".py", ".pyi", ".pyx", ".ipynb", ".c", ".h", ".cc", ".cpp", ".hpp", ".cu", ".java", ".kt", ".scala", ".js",
    ".mjs", ".ts", ".tsx", ".jsx", ".go", ".rs", ".rb", ".php", ".swift", ".m", ".r", ".jl", ".lua", ".pl", ".sh",
    ".bash", ".ps1", ".sql", ".html", ".htm", ".css", ".xml", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".json",
    ".cmake", ".tex", ".hs", ".ml", ".ex", ".erl", ".clj", ".cs", ".vue",
))


def content_of(relative: str) -> Content:
    """Say by its extension whether a file is code or prose."""
    return "code" if Path(relative.removesuffix(".gz")).suffix.lower() in CODE else "prose"


class FolderKind(SourceKind):
    """Every file below the given folders that turns out to be text."""

    def roots(self, config: SourceConfig) -> list[Root]:
        """Return the folders, each labelled with its own name, numbered where two of a source share one."""
        roots: list[Root] = []
        for given in config.paths:
            path = Path(given).expanduser().resolve()
            if "://" in given or not path.exists():
                raise UserError(f"corpus source {config.name!r}: {given}: no such folder on this machine")
            if not path.is_dir():
                raise UserError(f"corpus source {config.name!r}: {given}: is not a folder")
            same = sum(root.label.partition("#")[0] == path.name for root in roots)
            roots.append(Root(f"{path.name}#{same + 1}" if same else path.name, path))
        return roots

    def enters(self, relative: str) -> bool:
        """Stay out of hidden folders."""
        return not relative.rpartition("/")[2].startswith(".") and super().enters(relative)

    def wants(self, relative: str, config: SourceConfig) -> bool:
        """Take every file that is not hidden."""
        return not relative.rpartition("/")[2].startswith(".")

    def documents(self, path: Path, relative: str, config: SourceConfig) -> Iterator[Record | Unread]:
        """Read one file: a document for each row of .jsonl and .parquet, one for the whole of any other."""
        name = relative.lower()
        if name.endswith((".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")):
            return _lines(path, config.text_column)
        if name.endswith(".parquet"):
            return _rows(path, config.text_column)
        return super().documents(path, relative, config)

    def document(self, relative: str, text: str, raw_bytes: int) -> Record | Unread:
        """Take the text as it is; its extension says how to judge it."""
        return Record(0, text, raw_bytes, content_of(relative))


def _lines(path: Path, column: str) -> Iterator[Record | Unread]:
    """Stream JSON lines. The lines before a damaged place are kept; the place counts as one unread record."""
    index = 0
    try:
        with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as stream:
            for index, line in enumerate(stream):
                if line.strip():
                    yield _line(index, line, column)
            if stream.tell() == 0:
                yield Unread(0, "empty file", 0)
    except (OSError, EOFError) as error:
        yield Unread(index + 1, explain(error), 0)


def _line(index: int, line: bytes, column: str) -> Record | Unread:
    try:
        row = json.loads(decode(line, python=False))
    except ReadError as error:
        return Unread(index, error.reason, len(line))
    except (ValueError, RecursionError):
        return Unread(index, "not JSON", len(line))
    text = row.get(column) if isinstance(row, dict) else None
    if not isinstance(text, str):
        return Unread(index, "no text column", len(line))
    return Record(index, text, len(text.encode(errors="replace")), "prose", alone=True)


def _rows(path: Path, column: str) -> Iterator[Record | Unread]:
    """Stream the text column of a Parquet file."""
    index = 0
    try:
        with pq.ParquetFile(path) as file:
            if column not in file.schema_arrow.names:
                yield Unread(0, "no text column", path.stat().st_size)
                return
            for batch in file.iter_batches(batch_size=256, columns=[column]):
                for value in batch.column(0).to_pylist():
                    if isinstance(value, str):
                        yield Record(index, value, len(value.encode(errors="replace")), "prose", alone=True)
                    else:
                        yield Unread(index, "no text column", 0)
                    index += 1
    except (OSError, pa.ArrowException) as error:
        yield Unread(index, explain(error) if isinstance(error, OSError) and error.errno else "damaged Parquet", 0)
