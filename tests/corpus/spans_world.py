"""A read artifact made by hand: what the tests of steps that cut repeats, or look for evaluation items, run on."""

from hashlib import blake2b
from pathlib import Path

import pyarrow as pa

from raylm.corpus.markers import Markers
from raylm.corpus.parts import read_part, write_part
from raylm.corpus.read.schema import read_schema
from raylm.corpus.steps.base import Corpus, Step, Work
from raylm.corpus.steps.state import CHANGES
from raylm.progress import Meter
from raylm.storage import Folder


def make_corpus(root: Path, documents: dict[str, tuple[str, str]], parts: int) -> Corpus:
    """Write documents, (source, text) by id, into partitions by a hash of the id."""
    schema = read_schema([])
    read = Folder.at(root / "read").create()
    for part in range(parts):
        rows = []
        for id, (source, text) in sorted(documents.items()):
            if int.from_bytes(blake2b(id.encode(), digest_size=4).digest(), "big") % parts == part:
                rows.append({"id": id, "source": source, "path": f"{id}.txt", "text": text, "content": "prose"})
        write_part(read, part, pa.Table.from_pylist(rows, schema))
    return Corpus(read, None, parts, {name: rank for rank, name in enumerate(("first", "second"))})


def run_step(step: Step, corpus: Corpus, root: Path) -> tuple[dict[str, str | None], dict]:
    """Run a step; return the text left of each document that it changed, None for one that it removed, and the step's figures."""
    markers = Markers(Folder.at(root / "out").create())
    figures = step.run(corpus, Work(markers, "00-step", step.do, Meter()))
    left: dict[str, str | None] = {}
    for part in range(corpus.parts):
        ids = corpus.rows(part, ["id"])
        by_row = dict(zip(ids["row"].to_pylist(), ids["id"].to_pylist(), strict=True))
        for change in read_part(markers.folder.child("00-step"), part, CHANGES).to_pylist():
            assert change["by"] == step.do and (change["reason"] is None) != (change["text"] is None)
            left[by_row[change["row"]]] = change["text"]
    return left, figures
