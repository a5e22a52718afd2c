"""Earlier corpora that a new one is compared with: their documents' hashes and signatures, read where they lie, never copied.

A corpus artifact keeps for each of its documents the content hash and the MinHash signature (`fingerprints/`). Its partitions
count as further partitions behind our own, whose documents are preferred to all of ours; so a document that is known already is
removed, and the id of the one that was there first is kept with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from raylm.corpus.dedup.edges import I64, pack_nodes, partition_of
from raylm.corpus.origin import partition
from raylm.errors import UserError
from raylm.storage import Folder

FINGERPRINTS = "fingerprints"
_MOST = 1 << 16


@dataclass(frozen=True)
class Earlier:
    """The partitions of earlier corpora, numbered on from our own."""

    first: int
    """Number of the first of them: how many partitions we have."""
    files: tuple[tuple[Folder, str], ...]
    """Corpus artifact and name of each partition."""
    places: tuple[str, ...]
    """Of each, the corpus' place as the recipe names it."""

    @staticmethod
    def of(places: Sequence[str], first: int) -> "Earlier":
        """Find the partitions of earlier corpora.

        Args:
            places: each a run's folder or a corpus artifact's.
            first: number of our own partitions.

        Raises:
            UserError: there is no corpus, or one without fingerprints, or they have too many partitions.
        """
        files = [(folder, name, place) for place in places for folder in [corpus_folder(place)]
                 for name in folder.child(FINGERPRINTS).names(".parquet")]
        if first + len(files) > _MOST:
            raise UserError(f"corpus: with those of `against`, {first + len(files)} partitions; allowed: {_MOST}")
        return Earlier(first, tuple((folder, name) for folder, name, _ in files), tuple(place for _, _, place in files))

    @property
    def parts(self) -> int:
        """How many partitions they have together."""
        return len(self.files)

    def table(self, part: int, columns: list[str]) -> pa.Table:
        """Return columns of a partition: `id`, `key`, `key_low`, a signature, or `id`, `text`, `url` from the documents."""
        folder, name = self.files[part - self.first]
        place = folder.child("documents" if {"text", "url"} & set(columns) else FINGERPRINTS)
        try:
            return pq.read_table(place.file(name), columns=columns, filesystem=place.filesystem)
        except (KeyError, pa.ArrowInvalid):
            raise UserError(f"corpus: {folder.uri} has no column {', '.join(columns)}: it was made without that step, or with "
                            "other `permutations` or `shingle`") from None

    def nodes(self, part: int, rows: int) -> I64:
        """Return the nodes of a partition's documents: preferred to all of ours."""
        zeros = np.zeros(rows, dtype=np.int64)
        return pack_nodes(zeros, zeros, part, np.arange(rows))

    def places_of(self, nodes: I64) -> list[str | None]:
        """Return for each node the place of the earlier corpus that has its document, None for one of ours."""
        return [self.places[part - self.first] if part >= self.first else None for part in partition_of(nodes).tolist()]


def document_of(place: str, identity: str, columns: Sequence[str]) -> dict[str, Any]:
    """Return columns of one document that an earlier corpus published.

    Raises:
        UserError: there is no corpus any more, or it has no such document.
    """
    documents = corpus_folder(place).child("documents")
    names = documents.names(".parquet")
    table = pq.read_table(documents.file(names[partition(identity, len(names))]), columns=list(columns),
                          filesystem=documents.filesystem, filters=[("id", "==", identity)])
    if not table.num_rows:
        raise UserError(f"corpus: {place}: no document {identity}; another corpus is there now")
    found: dict[str, Any] = table.to_pylist()[0]
    return found


def corpus_folder(place: str) -> Folder:
    """Return the corpus artifact at a place: itself, or that of the run whose folder it is.

    Raises:
        UserError: there is none, or it keeps no fingerprints.
    """
    folder = Folder.at(place)
    if folder.exists("run.json"):
        keys = folder.read_json("run.json")
        folder = Folder(f"{folder.uri.rsplit('/', 1)[0]}/artifacts/corpus-{keys.get('corpus', '')}")
    if not folder.exists("manifest.json") or not folder.exists(FINGERPRINTS):
        raise UserError(f"corpus: `against` {place}: no finished corpus with fingerprints there; allowed: a run's folder or its "
                        "corpus artifact, made by this version")
    return folder
