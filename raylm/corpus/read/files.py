"""A list of files as tables that reading tasks take, and back. Paths travel as bytes: a file's name need not be text."""

import os

import pyarrow as pa

from raylm.corpus.origin import OriginFile

_OPENING = 2_000
"""Opening a file costs as much as reading this many bytes."""


def file_blocks(files: list[OriginFile], block_bytes: int) -> list[pa.Table]:
    """Cut a list of files into tables of about `block_bytes` of files each: one reading task takes one."""
    blocks: list[list[OriginFile]] = [[]]
    size = 0
    for file in files:
        if blocks[-1] and size + file.size > block_bytes:
            blocks.append([])
            size = 0
        blocks[-1].append(file)
        size += file.size + _OPENING
    return [
        pa.table({
            "source": pa.array([file.source for file in block], pa.int32()),
            "label": [file.label for file in block],
            "relative": [file.relative for file in block],
            "root": pa.array([os.fsencode(file.root) for file in block], pa.binary()),
            "path": pa.array([os.fsencode(file.path) for file in block], pa.binary()),
            "size": pa.array([file.size for file in block], pa.int64()),
        })
        for block in blocks
    ]


def files_of(table: pa.Table) -> list[OriginFile]:
    """Return the files in a table of `file_blocks`; their times stayed behind."""
    return [OriginFile(row["source"], row["label"], row["relative"], os.fsdecode(row["root"]), os.fsdecode(row["path"]),
                       row["size"], 0) for row in table.to_pylist()]
