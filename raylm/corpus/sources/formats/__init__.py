"""How one file of the user's own becomes documents, by its format. To add one: a small file here with a `Reader`, and its line in
`FORMATS`.

A format is told by the file's name, without the ending that says how it is packed; where that says nothing, by the first bytes.
"""

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from raylm.corpus.files import ReadError, bare_name, opened, unpacked
from raylm.corpus.sources.base import Record, Unread
from raylm.corpus.sources.config import SourceConfig
from raylm.corpus.sources.formats.csv_rows import csv_rows
from raylm.corpus.sources.formats.json_lines import json_lines
from raylm.corpus.sources.formats.parquet_rows import parquet_rows
from raylm.corpus.sources.formats.web_archive import web_archive
from raylm.corpus.sources.formats.web_page import looks_like_html, web_page

Reader = Callable[[str | Path, SourceConfig], Iterator[Record | Unread]]
FORMATS: dict[str, Reader] = {
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".csv": csv_rows,
    ".tsv": csv_rows,
    ".parquet": parquet_rows,
    ".warc": web_archive,
    ".wet": web_archive,
}
MAGIC: dict[bytes, Reader] = {b"WARC/1.": web_archive, b"PAR1": parquet_rows}
PAGES = frozenset((".html", ".htm", ".xhtml"))
CODE = frozenset((
    ".py", ".pyi", ".pyx", ".ipynb", ".c", ".h", ".cc", ".cpp", ".hpp", ".cu", ".java", ".kt", ".scala", ".js",
    ".mjs", ".ts", ".tsx", ".jsx", ".go", ".rs", ".rb", ".php", ".swift", ".m", ".r", ".jl", ".lua", ".pl", ".sh",
    ".bash", ".ps1", ".sql", ".html", ".htm", ".css", ".xml", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".json",
    ".cmake", ".tex", ".hs", ".ml", ".ex", ".erl", ".clj", ".cs", ".vue",
))
PROSE = frozenset((".txt", ".text", ".md", ".markdown", ".rst", ".adoc", ".org", ".log", ".srt", ".po"))


def suffix_of(relative: str) -> str:
    """Return the ending of a file's name that says what is in it, in lower case."""
    return PurePosixPath(bare_name(relative)).suffix


def reader_of(address: str | Path, relative: str, config: SourceConfig) -> Reader | None:
    """Return what reads a file, or None for plain text."""
    suffix = suffix_of(relative)
    if suffix in FORMATS:
        return FORMATS[suffix]
    if config.extract and suffix in PAGES:
        return web_page
    # A page may be called page.php; without an extractor, code is what its ending says.
    if suffix in PROSE or (suffix in CODE and not config.extract):
        return None
    try:
        with opened(address, config.anonymous) as raw, unpacked(raw, relative) as stream:
            head = stream.peek(1024)[:1024]
    except (OSError, ReadError):
        return None  # who reads it will say why
    found = next((reader for magic, reader in MAGIC.items() if head.startswith(magic)), None)
    return found or (web_page if config.extract and looks_like_html(head) else None)
