"""Who a document is: ids made of hashes of where it came from, equal on every machine and independent of order and workers."""

from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True)
class OriginFile:
    """A file that will be read: its place, and what the artifact's address takes of it."""

    source: int
    """Position of its source in the recipe."""
    label: str
    """Its root's label."""
    relative: str
    """Its path below the root, with `/`."""
    root: str
    """Where the folder that its source walked lies, and"""
    path: str
    """where the file does: paths of this machine, or URIs."""
    size: int
    mtime_ns: int

    @property
    def text_bytes(self) -> int:
        """About how many bytes of text it holds: compressed, text takes a quarter of them or less."""
        return self.size * 4 if self.relative.lower().endswith((".gz", ".bz2", ".zst", ".parquet")) else self.size


def origin_hash(label: str, relative: str, row: int | None = None) -> str:
    """Return 16 hexadecimal digits that name a file, or a row of it that is a text of its own, whatever source reads it."""
    place = f"{label}\0{relative}" if row is None else f"{label}\0{relative}\0{row}"
    return blake2b(place.encode(), digest_size=8, person=b"origin").hexdigest()


def document_id(origin: str, source: str, index: int) -> str:
    """Return a document's id: its origin's hash, a dash, and a hash of the source's name and the record's number in the file."""
    record = blake2b(f"{source}\0{index}".encode(), digest_size=8, person=b"record").hexdigest()
    return f"{origin}-{record}"


def partition(document: str, partitions: int) -> int:
    """Return the partition (0 to partitions - 1) that a document id belongs to: by its origin's hash, as a part of all hashes.

    So the partitions, each sorted by id, are one after the other all documents sorted by id, however many there are.
    """
    return (int(document[:16], 16) * partitions) >> 64
