"""The user's own files: text, code, web pages, and tables and archives of texts, in folders, object stores and on web servers.

Hidden files and folders are left alone, and so is what raylm itself wrote (see `listing.py`). What a file is, its name says, and
where that says nothing its first bytes (see `formats`); a packed file is read as what it holds.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from raylm.corpus.reading import size_of
from raylm.corpus.sources.base import Content, Record, Root, SourceKind, Unread
from raylm.corpus.sources.config import SourceConfig
from raylm.corpus.sources.formats import CODE, reader_of, suffix_of
from raylm.corpus.sources.places import roots_of


def content_of(relative: str) -> Content:
    """Say by its ending whether a file is code or prose."""
    return "code" if suffix_of(relative) in CODE else "prose"


class FolderKind(SourceKind):
    """Every file in the given places that turns out to be text, or a table or archive of texts."""

    takes_path = True

    def roots(self, config: SourceConfig) -> list[Root]:
        """Return the places, each labelled with its own name, numbered where two of a source share one."""
        return roots_of(config)

    def enters(self, relative: str) -> bool:
        """Stay out of hidden folders."""
        return not relative.rpartition("/")[2].startswith(".") and super().enters(relative)

    def wants(self, relative: str, config: SourceConfig) -> bool:
        """Take every file that is not hidden."""
        return not relative.rpartition("/")[2].startswith(".")

    def documents(self, address: str | Path, relative: str, config: SourceConfig) -> Iterator[Record | Unread]:
        """Read one file: a document for each row of a table and page of an archive, one for the whole of any other."""
        reader = reader_of(address, relative, config)
        if reader is not None:
            nothing = True
            for found in reader(address, config):
                nothing = False
                yield found
            if nothing:  # no rows, only blank ones, or only what a crawler says of itself: no file may vanish from the funnel
                yield Unread(0, "empty file", size_of(address))
            return
        for record in super().documents(address, relative, config):
            if isinstance(record, Record):
                record = replace(record, content=config.content or content_of(relative))
            yield record
