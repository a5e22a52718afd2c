"""What a kind of source is: roots to walk, files it wants of them, and how one file becomes documents.

Listing happens once, on the driver, by names and sizes only; `documents` runs in Ray Data workers. A kind is added by one small
file beside this one and one line in `__init__.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from raylm.corpus.document import Content, Value
from raylm.corpus.reading import ReadError, decode, read_file
from raylm.corpus.sources.config import SourceConfig

__all__ = ["Content", "Record", "Root", "SourceKind", "Unread", "Value"]


@dataclass(frozen=True)
class Root:
    """A place to look for files in. Its label stands for it in paths and ids, so that neither holds a machine's prefix."""

    label: str
    place: str
    """Local folder, or the URI of a store's folder or of a server."""
    pattern: str = ""
    """Shell glob that paths below must match (`*` stays within a folder, `**/` crosses them), or that a folder above them does."""
    files: tuple[str, ...] | None = None
    """The paths below that are meant, where they are known and nothing has to be walked."""


@dataclass(frozen=True)
class Record:
    """One document as it was read: its number in its file, its text, and the bytes that it took there."""

    index: int
    text: str
    raw_bytes: int
    content: Content
    alone: bool = False
    """Whether it is a text of its own, as a row of a table is, and not one of several views of its file (source, docstrings): then
    it counts as an origin of its own, so that one file with a thousand rows can be divided into training and held-out text."""
    url: str | None = None
    metadata: Mapping[str, Value] = field(default_factory=dict)
    """What the source carries besides, by the recipe's names: no NaN, no lone surrogates, nothing long."""


@dataclass(frozen=True)
class Unread:
    """A file, or one record of it, that gave no document, and why."""

    index: int
    reason: str
    raw_bytes: int


class SourceKind(ABC):
    """A kind of source. One whole text file is one document unless a kind says otherwise."""

    content: Content = "code"
    takes_path: bool = False
    """Whether the recipe says where the source's files are; a kind that does not take a path finds them itself."""

    @abstractmethod
    def roots(self, config: SourceConfig) -> list[Root]:
        """Return the places that the source's files are in.

        Raises:
            UserError: a place that the recipe names is missing.
        """

    @abstractmethod
    def wants(self, relative: str, config: SourceConfig) -> bool:
        """Whether the file at this path (relative to its root, with `/`) belongs to the source."""

    def enters(self, relative: str) -> bool:
        """Whether to walk into the folder at this relative path."""
        return relative.rpartition("/")[2] != "__pycache__"

    def documents(self, address: str | Path, relative: str, config: SourceConfig) -> Iterator[Record | Unread]:
        """Read one file, wherever it lies. What is wrong with it becomes an `Unread`, never an error."""
        try:
            data = read_file(address, anonymous=config.anonymous)
            text = decode(data, python=relative.endswith(".py"))
        except ReadError as error:
            yield Unread(0, error.reason, error.raw_bytes)
            return
        yield self.document(relative, text, len(data))

    def document(self, relative: str, text: str, raw_bytes: int) -> Record | Unread:
        """Make the document of one file's text."""
        return Record(0, text, raw_bytes, self.content)
