"""Removing near-duplicates, on Ray: band keys are shuffled to find candidates, candidates' shingles to compare them.

Only keys, numbers and the shingle hashes of candidates travel, never texts. Each partition first joins what shares a band within
it and sends one row per band, so a hot band costs a shuffle no more rows than there are partitions. Memory of a task: the keys of
one partition's documents, or a share of them; and for comparing, the shingles of a bucket of components, of which none is larger
than `largest_group` documents.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import ray

from raylm.corpus.dedup.clusters import EDGES, MEMBERS, find_components
from raylm.corpus.dedup.earlier import Earlier
from raylm.corpus.dedup.edges import I64, row_of, star_edges
from raylm.corpus.dedup.keyed import node_rows, nodes_of
from raylm.corpus.dedup.measure import Signature, unpacked
from raylm.corpus.dedup.shingling import shingles
from raylm.corpus.dedup.signatures import U64, band_keys, mix
from raylm.corpus.dedup.survivors import PAIRS, merged, pairs_table, write_changes
from raylm.corpus.dedup.verify import verified
from raylm.corpus.document import Document
from raylm.corpus.parts import bucket_of, counted, exchanged, read_part, routed, task, write_part
from raylm.corpus.steps.anew import replaced
from raylm.corpus.steps.base import Corpus, Work
from raylm.corpus.steps.scope import scoped
from raylm.storage import Folder

if TYPE_CHECKING:
    from raylm.corpus.steps.near import Near

REASON = "near duplicate"
_PAIRS_AT_ONCE = 256
_COMPARED_AT_ONCE = 128 << 20
"""Bytes of text up to which one task compares all candidates; their shingles take about as much."""


def remove_near(step: "Near", corpus: Corpus, work: Work) -> dict[str, Any]:
    """Find the candidates, compare them, and write the changes; return the largest clusters and the banding."""
    earlier = Earlier.of(step.against, corpus.parts)
    total = corpus.parts + earlier.parts
    banding = step.banding()
    shared = work.part_step("edges", lambda folder: _edges(step, corpus, earlier, work, banding, folder), also=("local",))
    edges = sum(row["edges"] for row in shared)
    details: dict[str, Any] = {"bands": banding[0], "rows": banding[1], "threshold": step.threshold, "verified": step.verify}
    if not edges:
        work.changes(lambda folder: [])
        return {**details, "removed": 0, "candidates": 0, "clusters": []}
    members = find_components(work, [work.folder("edges"), work.folder("local")], edges, step.edges_in_one_task, total, total)
    work.meter.begin(f"{work.label}: verify" if step.verify else f"{work.label}: choose", "partitions", total)
    found = work.part_step("pairs", lambda folder: _compare(step, corpus, earlier, work, members, folder))
    pairs = sum(row["pairs"] for row in found)
    # A few rows for each component that is too large for one go: what the one that is in all its pieces stands for.
    totals: dict[int, int] = {}
    for piece in (one for row in found for one in row["pieces"]):
        totals[piece["node"]] = totals.get(piece["node"], 1) + piece["size"] - 1

    def write(folder: Folder) -> list[dict[str, Any]]:
        def reduce(part: int, table: pa.Table) -> Iterator[pa.Table]:
            yield write_changes(folder, part, resized(table, totals), work.label, REASON, earlier)

        return routed(work.folder("pairs"), PAIRS, total, corpus.parts, pairs, step.rows_in_one_task, reduce)

    rows = work.changes(write)
    return {**details, "removed": sum(row["removed"] for row in rows), "candidates": sum(row["candidates"] for row in found),
            "clusters": merged(rows)}


def resized(pairs: pa.Table, totals: dict[int, int]) -> pa.Table:
    """Return `PAIRS` with the sizes of whole clusters for those that were compared in several pieces."""
    if not totals:
        return pairs
    found = zip(pairs["survivor"].to_pylist(), pairs["size"].to_pylist(), strict=True)
    sizes = pa.array([totals.get(survivor, size) for survivor, size in found], pa.int64())
    return pairs.set_column(pairs.column_names.index("size"), "size", sizes)


# --- candidates ---


def _signed(step: "Near", corpus: Corpus, earlier: Earlier, part: int) -> tuple[I64, U64]:
    """Return the nodes of a partition's documents that have enough shingles, and their signatures."""
    signature = step.signature()
    if part >= corpus.parts:
        table = earlier.table(part, [signature.signature, signature.size])
        nodes = earlier.nodes(part, table.num_rows)
        large = table[signature.size].fill_null(0).to_numpy() >= step.min_shingles
    else:
        edited = bool(corpus.changes)
        table = node_rows(step, corpus, part, [signature.signature, signature.size, *(["text"] if edited else [])])
        nodes = nodes_of(step, corpus, part, table)
        if edited:
            table = signed_anew(table, signature)
        large = (table[signature.size].fill_null(0).to_numpy() >= step.min_shingles) & scoped(step, table)
    matrix, rows = unpacked(table[signature.signature].combine_chunks())
    enough = large[rows]
    return nodes[rows[enough]], matrix[enough]


def signed_anew(table: pa.Table, signature: Signature) -> pa.Table:
    """Return the rows with the signatures of texts that a step changed."""
    edited = np.flatnonzero(table["edited"].to_numpy())
    texts = table["text"].take(pa.array(edited)).to_pylist()
    return replaced(table, edited, signature.measure([Document(text) for text in texts])) if len(edited) else table


def _edges(
    step: "Near", corpus: Corpus, earlier: Earlier, work: Work, banding: tuple[int, int], folder: Folder
) -> list[dict[str, Any]]:
    total = corpus.parts + earlier.parts
    local = work.folder("local")
    work.meter.begin(f"{work.label}: compare", "partitions", total)

    def spread(part: int) -> Iterator[pa.Table]:
        nodes, matrix = _signed(step, corpus, earlier, part)
        keys = band_keys(matrix, *banding) if len(nodes) else np.empty((0, banding[0]), dtype=np.uint64)
        flat, owners = keys.ravel(), np.repeat(nodes, banding[0])
        members, smallest = star_edges(flat, owners)
        write_part(local, part, pa.table({"u": members, "v": smallest}, schema=EDGES))
        first = least_per_key(flat, owners)
        work.meter.advance()
        yield pa.table({"part": bucket_of(flat[first], total), "key": flat[first], "node": owners[first]})

    def reduce(bucket: int, rows: pa.Table) -> Iterator[pa.Table]:
        u, v = star_edges(rows["key"].to_numpy(), rows["node"].to_numpy())
        write_part(folder, bucket, pa.table({"u": u, "v": v}, schema=EDGES))
        yield pa.table({"edges": [len(u)]})

    small = not earlier.parts and corpus.documents * banding[0] <= step.rows_in_one_task
    rows = exchanged(total, spread, total, reduce, small)
    within = counted(local, total)
    return [*rows, {"edges": within}]


def least_per_key(keys: U64, nodes: I64) -> npt.NDArray[np.int64]:
    """Return for each distinct key the place of its smallest node, in order of key."""
    order = np.lexsort((nodes, keys))
    first = np.ones(len(order), dtype=bool)
    first[1:] = keys[order][1:] != keys[order][:-1]
    return order[first]


# --- comparing ---


def groups(components: I64, ids: list[str], sizes: I64, largest: int) -> U64:
    """Return the group of each member: its component, or where that is too large one piece of it, by the hashes in its id."""
    pieces = -(-sizes // largest)
    hashes = np.array([int(one[:16], 16) ^ int(one[17:33], 16) for one in ids], dtype=np.uint64)
    piece = (mix(hashes) >> np.uint64(32)) % pieces.astype(np.uint64)
    return mix(mix(components.astype(np.uint64)) + piece)


def _compare(step: "Near", corpus: Corpus, earlier: Earlier, work: Work, members: Folder, folder: Folder) -> list[dict[str, Any]]:
    total = corpus.parts + earlier.parts

    def spread(part: int) -> Iterator[pa.Table]:
        table = read_part(members, part, MEMBERS)
        work.meter.advance()
        yield _CANDIDATE.empty_table()
        if table.num_rows:
            yield from _candidates(step, corpus, earlier, part, table, total)

    def reduce(bucket: int, rows: pa.Table) -> Iterator[pa.Table]:
        pairs = _decided(step, rows)
        nodes, survivors = pairs["node"].to_numpy(), pairs["survivor"].to_numpy()
        shared = rows["node"].filter(rows["shared"]).unique().to_numpy()
        pieces = pairs.select(["node", "size"]).filter(pa.array((nodes == survivors) & np.isin(nodes, shared))).to_pylist()
        pairs = pairs.filter(pa.array(pairs["part"].to_numpy() < corpus.parts))
        write_part(folder, bucket, pairs)
        yield pa.table({"pairs": [pairs.num_rows], "candidates": [rows.num_rows], "pieces": pa.array([pieces], _PIECES)})

    few = counted(members, total) * 100 <= step.rows_in_one_task
    small = few and ray.get(task(_candidate_bytes, corpus, earlier, members)) <= _COMPARED_AT_ONCE
    return exchanged(total, spread, total, reduce, small)


def _candidate_bytes(corpus: Corpus, earlier: Earlier, members: Folder) -> int:
    """Return how long the texts of all candidates are; one of an earlier corpus counts as a long one."""
    size = 0
    for part in range(corpus.parts + earlier.parts):
        nodes = read_part(members, part, MEMBERS, ["node"])["node"].to_numpy()
        if part >= corpus.parts:
            size += len(nodes) * 10_000
        elif len(nodes):
            rows = corpus.rows(part, ["bytes"])
            size += int(rows["bytes"].to_numpy()[np.searchsorted(rows["row"].to_numpy(), row_of(nodes))].sum())
    return size


def _candidates(step: "Near", corpus: Corpus, earlier: Earlier, part: int, table: pa.Table, total: int) -> Iterator[pa.Table]:
    """Yield a partition's members with their ids and shingles, some hundred at a time; a hot component's smallest for each
    piece."""
    nodes, components, sizes = (table[name].to_numpy() for name in ("node", "component", "size"))
    places = row_of(nodes)
    if part >= corpus.parts:
        ids = earlier.table(part, ["id"])["id"].take(pa.array(places)).to_pylist()
        texts = earlier.table(part, ["text"])["text"].take(pa.array(places)) if step.verify else None
    else:
        rows = corpus.rows(part, ["id", *(["text"] if step.verify else [])])
        found = pa.array(np.searchsorted(rows["row"].to_numpy(), places))
        ids = rows["id"].take(found).to_pylist()
        texts = rows["text"].take(found) if step.verify else None
    group = groups(components, ids, sizes, step.largest_group)
    for start in range(0, len(nodes), _PAIRS_AT_ONCE):
        out: dict[str, list[Any]] = {name: [] for name in _CANDIDATE.names}
        for index in range(start, min(start + _PAIRS_AT_ONCE, len(nodes))):
            sets = shingles(texts[index].as_py(), step.shingle) if texts is not None else np.empty(0, np.uint64)
            mine = [group[index]]
            if nodes[index] == components[index]:
                every = np.arange(-(-sizes[index] // step.largest_group), dtype=np.uint64)
                mine = list(mix(mix(components[index : index + 1].astype(np.uint64)) + every))
            for one in mine:
                bucket = int(bucket_of(np.array([one], dtype=np.uint64), total)[0])
                values = (bucket, int(one), int(nodes[index]), ids[index], len(mine) > 1, sets)
                for name, value in zip(out, values, strict=True):
                    out[name].append(value)
        yield pa.table({name: pa.array(values, _CANDIDATE.field(name).type) for name, values in out.items()}, schema=_CANDIDATE)


_CANDIDATE = pa.schema([("part", pa.int32()), ("group", pa.uint64()), ("node", pa.int64()), ("id", pa.string()),
                        ("shared", pa.bool_()), ("shingles", pa.large_list(pa.uint64()))])
"""`shared`: the document is in all the pieces of its component."""
_PIECES = pa.list_(pa.struct([("node", pa.int64()), ("size", pa.int64())]))


def _decided(step: "Near", rows: pa.Table) -> pa.Table:
    """Return the `PAIRS` of one bucket of groups: the duplicates, and those that stand for them."""
    group, nodes = rows["group"].to_numpy(), rows["node"].to_numpy()
    order = np.lexsort((nodes, group))
    rows, group, nodes = rows.take(pa.array(order)), group[order], nodes[order]
    if step.verify:
        lists = rows["shingles"].combine_chunks()
        values, offsets = lists.flatten().to_numpy(zero_copy_only=False), lists.offsets.to_numpy()
        components, starts = group.view(np.int64), offsets - offsets[0]
        survivor, similarity = verified(components, starts, values, step.threshold, step.most_representatives)
    else:
        first = np.ones(len(group), dtype=bool)
        first[1:] = group[1:] != group[:-1]
        survivor, similarity = np.flatnonzero(first)[np.cumsum(first) - 1], None
    sizes = np.bincount(survivor, minlength=len(nodes))[survivor]
    several = sizes > 1
    ids = rows["id"].combine_chunks().take(pa.array(survivor[several]))
    return pairs_table(nodes[several], nodes[survivor[several]], ids, sizes[several],
                       None if similarity is None else similarity[several])
