"""From documents to distinct pairs, as pure functions over Arrow tables. `table.py` runs them over a corpus.

A pair's key is a hash of its content. It decides the partition, the order inside it and which pairs a limit keeps, so
the result depends on the documents alone: not on their order, nor on how many workers read them.
"""

import hashlib

import pyarrow as pa
import pyarrow.compute as pc

from raylm.posttrain.pairs.kinds import Kind
from raylm.tokenizer.split import is_held_out

PARTS = 16
"""Partitions of the key's range; each is one file per split, and its size bounds the memory of a task."""
SPLITS = ("train", "heldout")


def key_of(*texts: str) -> int:
    """Return 64 bits that name these texts (BLAKE2b). Some 10^9 pairs have one collision, which costs one pair."""
    digest = hashlib.blake2b(digest_size=8)
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return int.from_bytes(digest.digest(), "big")


def is_sampled(document: str, share: float) -> bool:
    """Whether a document belongs to the share of the corpus that is read; all documents of one file go together."""
    return share >= 1 or key_of("sample", document[:16]) < share * 2**64


def collected_schema(kind: Kind) -> pa.Schema:
    """The columns of `collect`: where the pair is from, its key and partition, and the kind's own texts."""
    own = [pa.field(name, pa.string()) for name in kind.columns]
    return pa.schema([pa.field("id", pa.string()), pa.field("heldout", pa.bool_()), pa.field("key", pa.uint64()),
                      pa.field("part", pa.int32()), *own])


def collect(documents: pa.Table, kind: Kind, heldout_fraction: float, share: float) -> pa.Table:
    """Return every pair of these documents (columns `id`, `text`), unsorted and with duplicates."""
    rows = []
    for identifier, text in zip(documents["id"].to_pylist(), documents["text"].to_pylist(), strict=True):
        if not is_sampled(identifier, share):
            continue
        held_out = is_held_out(identifier, heldout_fraction)
        for pair in kind.extract(text):
            key = key_of(*pair.identity)
            own = {name: getattr(pair, name) for name in kind.columns}
            rows.append({"id": identifier, "heldout": held_out, "key": key, "part": key * PARTS >> 64, **own})
    return pa.Table.from_pylist(rows, schema=collected_schema(kind))


def distinct(pairs: pa.Table, kind: Kind) -> pa.Table:
    """Return the pairs sorted by key, one for each key.

    Of equal pairs one that is trained on stays, so that no held-out pair was seen in training; then the lowest id.
    """
    order = ["key", "heldout", "id", *kind.columns]
    ordered = pairs.sort_by([(name, "ascending") for name in order]).combine_chunks()
    if ordered.num_rows < 2:
        return ordered
    keys = ordered["key"]
    first = pc.not_equal(keys.slice(1), keys.slice(0, ordered.num_rows - 1))
    return ordered.filter(pa.concat_arrays([pa.array([True]), *first.chunks]))


def of_split(pairs: pa.Table, split: str, kind: Kind) -> pa.Table:
    """Return one split's pairs with the columns that are stored: `id`, `key` and the kind's own."""
    chosen = pairs.filter(pc.equal(pairs["heldout"], split == "heldout"))
    return chosen.select(["id", "key", *kind.columns]).combine_chunks()


def within(counts: dict[int, int], limit: int) -> dict[int, int]:
    """Return how many pairs of each partition to use, so that the `limit` lowest keys stay; empty ones are left out."""
    kept: dict[int, int] = {}
    for part in sorted(counts):
        take = min(counts[part], limit - sum(kept.values()))
        if take > 0:
            kept[part] = take
    return kept
