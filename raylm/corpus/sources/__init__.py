"""The kinds of sources. To add one: a small file here with a `SourceKind`, and its line in `KINDS`."""

from raylm.corpus.sources.base import Content, Record, Root, SourceKind, Unread
from raylm.corpus.sources.config import SourceConfig
from raylm.corpus.sources.descriptions import Descriptions
from raylm.corpus.sources.docstrings import Docstrings
from raylm.corpus.sources.folder import FolderKind
from raylm.corpus.sources.licences import Licences
from raylm.corpus.sources.python_packages import PythonPackages
from raylm.corpus.sources.python_stdlib import PythonStdlib

KINDS: dict[str, SourceKind] = {
    "python_stdlib": PythonStdlib(),
    "python_packages": PythonPackages(),
    "descriptions": Descriptions(),
    "licences": Licences(),
    "docstrings": Docstrings(),
    "folder": FolderKind(),
}

__all__ = ["KINDS", "Content", "Record", "Root", "SourceConfig", "SourceKind", "Unread"]
