"""Which files a recipe's sources read: names, sizes and times only, so that listing is quick and can happen on the driver.

Folders reached twice through symbolic links are walked once, in sorted order, so loops end and the result is the same everywhere.
Folders that hold a file named `OWN_MARK` are left out: raylm wrote them (a run, or the artifacts of a storage). A storage inside a
source would else make another corpus at every run, with the artifacts of the last one read as text.
"""

import fnmatch
import os
import stat
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from raylm.corpus.config import CorpusConfig
from raylm.corpus.origin import OriginFile, origin_hash
from raylm.corpus.sources import KINDS, Root, SourceConfig, SourceKind
from raylm.errors import UserError

OWN_MARK = ".raylm-output"
"""Name of the file that marks a folder as written by raylm."""


def list_files(config: CorpusConfig) -> list[OriginFile]:
    """Return every file that will be read, by source, then in the order of the hash of its path.

    Raises:
        UserError: a source's folder is missing, or a source finds no file at all.
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
        for relative, path, status in _walk(root, kind):
            if not kind.wants(relative, source) or not _selected(relative, source):
                continue
            size, mtime = (status.st_size, status.st_mtime_ns) if status else (0, 0)
            files.setdefault((root.label, relative), OriginFile(position, root.label, relative, str(root.path), path, size, mtime))
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


def _walk(root: Root, kind: SourceKind) -> Iterator[tuple[str, str, os.stat_result | None]]:
    """Yield (relative path, path, status) of everything below a root that is no folder; a status of None means it cannot be had."""
    seen: set[tuple[int, int]] = set()
    pending = [(str(root.path), "")]
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
            yield prefix.rstrip("/") or ".", folder, None  # reading it will say why
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
                yield relative, entry.path, None
                continue
            if stat.S_ISDIR(status.st_mode):
                if kind.enters(relative):
                    below.append((entry.path, f"{relative}/"))
            elif stat.S_ISREG(status.st_mode):
                yield relative, entry.path, status
        pending.extend(reversed(below))
