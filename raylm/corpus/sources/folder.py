"""A folder of the user's own files: plain text and code by content, whatever the extension; .jsonl and .parquet by a text column.

Hidden files and folders are left alone, and so is what raylm itself wrote (see `listing.py`). A .gz file is read as what it holds.
"""

from collections.abc import Iterator
from pathlib import Path

from raylm.corpus.sources.base import Content, Record, Root, SourceKind, Unread
from raylm.corpus.sources.config import SourceConfig
from raylm.corpus.sources.json_lines import json_lines
from raylm.corpus.sources.parquet_rows import parquet_rows
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

    takes_path = True

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
            return json_lines(path, config.text_column)
        if name.endswith(".parquet"):
            return parquet_rows(path, config.text_column)
        return super().documents(path, relative, config)

    def document(self, relative: str, text: str, raw_bytes: int) -> Record | Unread:
        """Take the text as it is; its extension says how to judge it."""
        return Record(0, text, raw_bytes, content_of(relative))
