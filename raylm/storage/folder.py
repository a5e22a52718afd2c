"""A folder on any filesystem that pyarrow reaches (local, NFS, S3, GCS, Azure), with writes that are whole or absent.

Small files only go through `write_bytes`/`write_json`; large tables go through pyarrow with `filesystem` and `path`. A folder
pickles, so Ray workers can be handed one.
"""

import json
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pyarrow import fs

from raylm.errors import UserError
from raylm.storage.cache import cached
from raylm.storage.place import place_of


@dataclass(frozen=True)
class Folder:
    """A place under a pyarrow filesystem; `uri` is a local path or a URI such as `s3://bucket/prefix`."""

    uri: str

    @staticmethod
    def at(place: str | Path) -> "Folder":
        """Return the folder at a local path (made absolute) or URI; nothing is created yet.

        Raises:
            UserError: the URI holds credentials, or something after its path.
        """
        return Folder(place_of(str(place)))

    @property
    def is_local(self) -> bool:
        """Whether this folder is on a mounted filesystem."""
        return "://" not in self.uri

    @property
    def filesystem(self) -> fs.FileSystem:
        """The pyarrow filesystem that `path` belongs to.

        Raises:
            UserError: the URI's scheme is not one that pyarrow knows.
        """
        return self._resolve()[0]

    @property
    def path(self) -> str:
        """The folder's path within `filesystem`."""
        return self._resolve()[1]

    def _resolve(self) -> tuple[fs.FileSystem, str]:
        if self.is_local:
            return fs.LocalFileSystem(), self.uri
        try:
            filesystem, path = fs.FileSystem.from_uri(self.uri)
        except (ValueError, OSError) as error:
            raise UserError(f"{self.uri}: not a place that can be reached ({error})") from None
        return filesystem, path

    def child(self, *names: str) -> "Folder":
        """Return a folder below this one."""
        return Folder("/".join([self.uri, *names]))

    def file(self, name: str) -> str:
        """Return the path of a file of this folder within `filesystem`."""
        return str(PurePosixPath(self.path) / name)

    def create(self) -> "Folder":
        """Create the folder and its parents, and return it."""
        self.filesystem.create_dir(self.path, recursive=True)
        return self

    def exists(self, name: str = "") -> bool:
        """Whether the folder, or a file or folder of that name in it, exists."""
        return self.filesystem.get_file_info(self.file(name) if name else self.path).type != fs.FileType.NotFound

    def names(self, suffix: str = "") -> list[str]:
        """Return the sorted names of the files directly in the folder (of those ending in `suffix`)."""
        selector = fs.FileSelector(self.path, allow_not_found=True)
        infos = self.filesystem.get_file_info(selector)
        return sorted(i.base_name for i in infos if i.type == fs.FileType.File and i.base_name.endswith(suffix))

    def folders(self) -> list[str]:
        """Return the sorted names of the folders directly in the folder."""
        infos = self.filesystem.get_file_info(fs.FileSelector(self.path, allow_not_found=True))
        return sorted(i.base_name for i in infos if i.type == fs.FileType.Directory)

    def read_bytes(self, name: str) -> bytes:
        """Read a whole (small) file."""
        with self.filesystem.open_input_stream(self.file(name)) as stream:
            return bytes(stream.read())

    def read_json(self, name: str) -> Any:
        """Read a JSON file."""
        return json.loads(self.read_bytes(name))

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write a whole file or nothing: a reader sees the old content or the new one.

        Locally it is written aside, flushed to the disk and renamed; object stores publish an object in one step anyway.
        """
        if not self.is_local:
            with self.filesystem.open_output_stream(self.file(name)) as stream:
                stream.write(data)
            return
        target = Path(self.file(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
        try:
            with aside.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)

    def write_json(self, name: str, value: Any) -> None:
        """Write a JSON file whole, keys sorted, so that equal values are equal bytes."""
        self.write_bytes(name, (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode())

    def remove(self, name: str) -> None:
        """Delete a file; a missing one is fine."""
        if self.exists(name):
            self.filesystem.delete_file(self.file(name))

    def clear(self) -> None:
        """Delete the folder and all it holds; a missing one is fine."""
        if self.exists():
            self.filesystem.delete_dir(self.path)

    def upload(self, source: Path) -> None:
        """Copy a local folder's content here, over what is here."""
        self.create()
        fs.copy_files(str(source), self.path, source_filesystem=fs.LocalFileSystem(), destination_filesystem=self.filesystem)

    def download(self, target: Path) -> None:
        """Copy this folder's content into a local folder."""
        fs.copy_files(self.path, str(target), source_filesystem=self.filesystem, destination_filesystem=fs.LocalFileSystem())

    def local(self) -> Path:
        """Return a local path with this folder's content: the folder itself, or a copy cached by URI.

        For immutable folders (published artifacts) only: a cached copy is never refreshed.

        Raises:
            UserError: the cache's place on this machine is not ours alone.
        """
        return Path(self.uri) if self.is_local else cached(self.uri, self.download)

    @contextmanager
    def as_it_is_now(self) -> Iterator[Path]:
        """Give a local path with this folder's present content: the folder itself, or a copy that lives as long as the block.

        For folders that change, such as the state of an unfinished run.
        """
        if self.is_local:
            yield Path(self.uri)
            return
        with tempfile.TemporaryDirectory(prefix="raylm-") as private:
            self.download(Path(private))
            yield Path(private)
