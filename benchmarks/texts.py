"""Real documents for benchmarks, from what every machine has: installed packages and folders of documentation, cut into pages.

The same machine gives the same documents in the same order; how many there are and how large is printed by who uses them.
"""

import hashlib
import html
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path

_TEXT = {".txt", ".md", ".rst", ".py", ".html", ".htm", ""}
_TAG = re.compile(r"<(script|style)\b.*?</\1>|<[^>]{0,2000}>", re.DOTALL | re.IGNORECASE)


def files(folders: list[Path], suffixes: set[str] = _TEXT) -> list[Path]:
    """Return the text files below some folders in the order of a hash of their relative paths: a fair mix at any length."""
    found = {}
    for folder in folders:
        for path in folder.rglob("*"):
            if path.suffix.lower() in suffixes and path.is_file() and not path.is_symlink():
                relative = str(path.relative_to(folder)).encode(errors="replace")
                found[hashlib.blake2b(relative, digest_size=8).hexdigest(), str(path)] = path
    return [found[key] for key in sorted(found)]


def page_texts(folders: list[Path] | None = None, words: int = 300, least: int = 60) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of pages of about `words` words, none with fewer than `least`, of all text files below some folders.

    By default of the installed packages and the standard library.
    """
    paths = sysconfig.get_paths()
    for path in files(folders or [Path(paths["purelib"]), Path(paths["stdlib"])]):
        try:
            text = path.read_bytes()[:2_000_000].decode("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if "\0" in text:
            continue
        if path.suffix.lower() in (".html", ".htm"):
            text = html.unescape(_TAG.sub(" ", text))
        for number, page in enumerate(pages(text, words)):
            if len(page.split()) >= least:
                yield f"{path.name}#{number}", page


def pages(text: str, words: int) -> Iterator[str]:
    """Cut a text at line ends into pages of about `words` words."""
    page: list[str] = []
    count = 0
    for line in text.splitlines(keepends=True):
        page.append(line)
        count += len(line.split())
        if count >= words:
            yield "".join(page)
            page, count = [], 0
    if page:
        yield "".join(page)
