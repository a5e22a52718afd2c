"""Which files a recipe's sources read: names, sizes and times only, so that listing is quick and can happen on the driver.

Folders reached twice through symbolic links are walked once, in sorted order, so loops end and the result is the same everywhere.
Folders that hold a file named `OWN_MARK` are left out: raylm wrote them (a run, or the artifacts of a storage). A storage inside a
source would else make another corpus at every run, with the artifacts of the last one read as text.
"""

import fnmatch
import os
import stat
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from raylm.corpus.config import CorpusConfig
from raylm.corpus.files.address import HTTP, is_remote, store
from raylm.corpus.files.http_file import describe
from raylm.corpus.origin import OriginFile, origin_hash
from raylm.corpus.sources import KINDS, Root, SourceConfig, SourceKind
from raylm.corpus.sources.places import matches
from raylm.errors import UserError

OWN_MARK = ".raylm-output"
"""Name of the file that marks a folder as written by raylm."""
_ASKING = 16
"""Requests to a web server at a time."""


class Found(NamedTuple):
    """A file below a root; a size and time of 0 where they cannot be had: reading it will say why."""

    relative: str
    address: str
    size: int = 0
    mtime_ns: int = 0


def list_files(config: CorpusConfig) -> list[OriginFile]:
    """Return every file that will be read, by source, then in the order of the hash of its path.

    Raises:
        UserError: a source's place is missing or cannot be reached, or a source finds no file at all.
    """
    files: list[OriginFile] = []
    for position, source in enumerate(config.sources):
        found = _choose(_source_files(position, source), source.max_bytes)
        if not found:
            where = f" in {', '.join(source.paths)}" if source.paths else ""
            raise UserError(f"corpus source {source.name!r} ({source.kind}): no files to read{where}")
        files.extend(found)
    return files


def _source_files(position: int, source: SourceConfig) -> list[OriginFile]:
    kind = KINDS[source.kind]
    files: dict[tuple[str, str], OriginFile] = {}
    for root in kind.roots(source):
        for found in _below(root, kind, source):
            if root.files is None and not (kind.wants(found.relative, source) and matches(found.relative, root.pattern or "**")):
                continue
            if _selected(found.relative, source):
                file = OriginFile(position, root.label, found.relative, root.place, *found[1:])
                files.setdefault((root.label, found.relative), file)
    return list(files.values())


def _selected(relative: str, source: SourceConfig) -> bool:
    included = not source.include or any(fnmatch.fnmatchcase(relative, glob) for glob in source.include)
    return included and not any(fnmatch.fnmatchcase(relative, glob) for glob in source.exclude)


def _choose(files: list[OriginFile], max_bytes: int | None) -> list[OriginFile]:
    """Return the files in the order of their hash; of a capped source the first ones, as many as fit, and none larger than the cap.

    Stopping at the first that does not fit keeps the sample fair; going on with smaller ones would fill it with empty files.
    """
    ordered = sorted(files, key=lambda file: (origin_hash(file.label, file.relative), file.label, file.relative))
    if max_bytes is None:
        return ordered
    ordered = [file for file in ordered if file.size <= max_bytes]
    total = accumulate(file.size for file in ordered)
    return [file for file, so_far in zip(ordered, total, strict=True) if so_far <= max_bytes]


def _below(root: Root, kind: SourceKind, source: SourceConfig) -> Iterator[Found]:
    """Yield the files of a root, or those of them that it names."""
    if not is_remote(root.place):
        yield from _walk(root.place, kind) if root.files is None else (_on_disk(root.place, name) for name in root.files)
    elif root.place.startswith(HTTP):
        yield from _on_server(root.place, root.files or (), source)
    else:
        yield from _in_store(root, kind, source)


def _on_disk(place: str, name: str) -> Found:
    path = f"{place}/{name}"
    try:
        status = Path(path).stat()
    except OSError:
        return Found(name, path)
    return Found(os.fsencode(name).decode("utf-8", "backslashreplace"), path, status.st_size, status.st_mtime_ns)


def _on_server(place: str, names: Iterable[str], source: SourceConfig) -> Iterator[Found]:
    def ask(name: str) -> Found:
        address = f"{place}/{name}"
        try:
            return Found(name, address, *describe(address))
        except ConnectionResetError as error:
            # Another size would be another corpus: all of it made anew, because a network was down for a minute.
            raise UserError(f"corpus source {source.name!r}: {address}: cannot be reached ({_first_line(error)})") from None
        except OSError:  # the server answered: it has no such file, or it does not say what files it has (405, 501)
            return Found(name, address)

    with ThreadPoolExecutor(_ASKING) as threads:
        yield from threads.map(ask, names)


def _in_store(root: Root, kind: SourceKind, source: SourceConfig) -> Iterator[Found]:
    from pyarrow import fs

    filesystem, base = store(root.place, source.anonymous)
    try:
        if root.files is not None:
            infos = filesystem.get_file_info([f"{base}/{name}" for name in root.files])
            yield from (_found(root.place, name, info) for name, info in zip(root.files, infos, strict=True))
            return
        infos = filesystem.get_file_info(fs.FileSelector(base, recursive=True, allow_not_found=True))
    except OSError as error:
        raise UserError(f"corpus source {source.name!r}: {root.place}: cannot be listed ({_first_line(error)})") from None
    names = {info.path.removeprefix(base).lstrip("/"): info for info in infos if info.type == fs.FileType.File}
    own = {name.rpartition("/")[0] for name in names if name.rpartition("/")[2] == OWN_MARK}
    for name in sorted(names):
        folders = ["", *accumulate(name.split("/")[:-1], "{}/{}".format)]
        if not own.intersection(folders) and all(kind.enters(folder) for folder in folders[1:]):
            yield _found(root.place, name, names[name])


def _first_line(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).splitlines()[0]


def _found(place: str, name: str, info: "object") -> Found:
    return Found(name, f"{place}/{name}", getattr(info, "size", None) or 0, getattr(info, "mtime_ns", None) or 0)


def _walk(place: str, kind: SourceKind) -> Iterator[Found]:
    """Yield everything below a local folder that is no folder."""
    seen: set[tuple[int, int]] = set()
    pending = [(place, "")]
    while pending:
        folder, prefix = pending.pop()
        try:
            status = Path(folder).stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError:
            yield Found(prefix.rstrip("/") or ".", folder)
            continue
        if any(entry.name == OWN_MARK for entry in entries):
            continue
        below = []
        for entry in entries:
            # A name that is no UTF-8 cannot be written to Parquet as it is.
            relative = prefix + os.fsencode(entry.name).decode("utf-8", "backslashreplace")
            try:
                status = entry.stat()
            except OSError:
                yield Found(relative, entry.path)
                continue
            if stat.S_ISDIR(status.st_mode):
                if kind.enters(relative):
                    below.append((entry.path, f"{relative}/"))
            elif stat.S_ISREG(status.st_mode):
                yield Found(relative, entry.path, status.st_size, status.st_mtime_ns)
        pending.extend(reversed(below))
