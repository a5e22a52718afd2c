"""What the corpus is made of besides its recipe: the files themselves. Their names, sizes and times go into the artifact's address,
so a changed folder makes a new corpus and an unchanged one is found again.
"""

from hashlib import sha256

from pyarrow import fs

from raylm.corpus.config import CorpusConfig
from raylm.corpus.listing import list_files
from raylm.errors import UserError
from raylm.storage import Folder


def fingerprint(config: CorpusConfig) -> str:
    """Return 16 hexadecimal digits that name the files to be read: source, root label, relative path, size and mtime of each.

    Raises:
        UserError: a source's folder is missing, or a source finds no file.
    """
    digest = sha256()
    lines = sorted(f"{file.source}\0{file.label}\0{file.relative}\0{file.size}\0{file.mtime_ns}\n" for file in list_files(config))
    for line in lines:
        digest.update(line.encode())
    return digest.hexdigest()[:16]


def contents(place: str) -> str:
    """Return what tells whether the contents of a place changed: an artifact's address, a file's hash, or a folder's names and
    times.

    Raises:
        UserError: there is nothing at this place, or it cannot be reached.
    """
    try:
        return _contents(place)
    except OSError as error:
        raise UserError(f"{place}: cannot be reached ({(str(error).splitlines() or [type(error).__name__])[0]})") from None


def _contents(place: str) -> str:
    folder = Folder.at(place)
    for name in ("run.json", "manifest.json"):
        if folder.exists(name):
            return sha256(folder.read_bytes(name)).hexdigest()[:16]
    digest = sha256()
    info = folder.filesystem.get_file_info(folder.path)
    if info.type == fs.FileType.NotFound:
        raise UserError(f"{place}: no such file or folder")
    if info.type == fs.FileType.File:
        with folder.filesystem.open_input_stream(folder.path) as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    else:
        below = folder.filesystem.get_file_info(fs.FileSelector(folder.path, recursive=True))
        for one in sorted(below, key=lambda one: str(one.path)):
            digest.update(f"{one.path.removeprefix(folder.path)}\0{one.size}\0{one.mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
