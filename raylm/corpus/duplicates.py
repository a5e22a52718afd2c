"""Duplicate removal on Ray: one shuffle of band keys gives edges, clusters come from one task or from rounds of shuffles, and each
duplicate learns which document stands for it. Only keys and numbers are moved, never texts.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import ray
import ray.data

from raylm.corpus.dedup.components import both_ways, large_star, small_star, union_find
from raylm.corpus.dedup.config import DedupConfig
from raylm.corpus.dedup.edges import I64, distinct, pack_nodes, partition_of, row_of, star_edges
from raylm.corpus.dedup.signatures import U64, mix
from raylm.corpus.documents import READ_SCHEMA, band_matrix
from raylm.corpus.parts import over_parts, read_part, shuffled, write_part
from raylm.corpus.steps import Result, Steps
from raylm.progress import Meter
from raylm.storage import Folder

EDGES = pa.schema([("u", pa.int64()), ("v", pa.int64()), ("exact", pa.bool_())])
DUPLICATES = pa.schema([("row", pa.int64()), ("exact", pa.bool_()), ("duplicate_of", pa.string())])
_LARGEST = 20


def find_duplicates(config: DedupConfig, parts: int, steps: Steps, meter: Meter) -> Result:
    """Do the step `duplicates`: write for each of `parts` partitions the rows that are duplicates; return the largest clusters.

    Needs the step `read`. Each returned row has `survivor` (id), `path`, `source` and `members` (documents removed for it).
    """
    meter.begin("compare documents", "partitions", parts)
    read = steps.folder.child("read")
    found = steps.run("edges", lambda folder: _edges(config.near, parts, read, folder, meter).take_all())
    edges = sum(row["edges"] for row in found)
    if edges <= config.edges_in_one_task:
        meter.begin("cluster duplicates", "", None)
        return steps.run("duplicates", lambda folder: ray.get(_one_task.remote(steps.folder, folder, parts)))
    stars = _rounds(steps, parts, meter)
    largest = steps.run("survivors", lambda folder: _to_survivors(stars, read, folder, parts).take_all())

    def finish(folder: Folder) -> Result:
        _to_members(steps.folder, folder, parts).take_all()
        return largest  # as the one task does: a run that goes on may have another `edges_in_one_task`

    return steps.run("duplicates", finish)


# --- edges ---


def bucket_rows(table: pa.Table, part: int, parts: int, near: bool) -> pa.Table:
    """Return the rows to shuffle of one partition's documents: a row per key, `part` by the key, `exact` for content keys."""
    kept = table["step"].is_null().to_numpy()
    nodes = pack_nodes(table["rank"].to_numpy(), part, np.arange(table.num_rows))
    keys: list[U64] = [table["content"].fill_null(0).to_numpy()[kept]]
    owners: list[I64] = [nodes[kept]]
    exact = [np.ones(int(kept.sum()), dtype=bool)]
    matrix, signed = band_matrix(table["bands"])
    if near and len(signed):
        keys.append(matrix.ravel())
        owners.append(np.repeat(nodes[signed], matrix.shape[1]))
        exact.append(np.zeros(matrix.size, dtype=bool))
    key = np.concatenate(keys)
    return pa.table({"part": _bucket(key, parts), "key": key, "node": np.concatenate(owners), "exact": np.concatenate(exact)})


def bucket_edges(rows: pa.Table) -> pa.Table:
    """Return the edges (`EDGES`) of shuffled rows: those of equal content, and those of a shared band."""
    tables = []
    for exact in (True, False):
        chosen = rows.filter(pa.compute.equal(rows["exact"], exact))
        u, v = star_edges(chosen["key"].to_numpy(), chosen["node"].to_numpy())
        tables.append(pa.table({"u": u, "v": v, "exact": np.full(len(u), exact)}, schema=EDGES))
    return pa.concat_tables(tables)


def _bucket(keys: U64, parts: int) -> np.ndarray:
    """Return a partition for each key, by its high 32 bits."""
    return (((keys >> np.uint64(32)) * np.uint64(parts)) >> np.uint64(32)).astype(np.int32)


def _edges(near: bool, parts: int, read: Folder, folder: Folder, meter: Meter) -> ray.data.Dataset:
    def explode(part: int) -> Iterator[pa.Table]:
        table = read_part(read, part, READ_SCHEMA, ["rank", "step", "content", "bands"])
        meter.advance()
        yield bucket_rows(table, part, parts, near)

    def reduce(part: int, rows: pa.Table) -> Iterator[pa.Table]:
        edges = bucket_edges(rows)
        write_part(folder, part, edges)
        yield pa.table({"edges": [edges.num_rows]})

    return shuffled(over_parts(parts, explode), parts, reduce)


# --- clusters in rounds ---


def _rounds(steps: Steps, parts: int, meter: Meter) -> Folder:
    """Shuffle edges until they are stars around the smallest node of each component; return the folder that holds them."""
    current = steps.folder.child("edges")
    for number in range(1, 200):
        meter.begin(f"cluster duplicates, round {number}", "", None)
        for operation in ("large", "small"):
            name = f"round-{number:03d}-{operation}"
            source = current

            def run(folder: Folder, operation: str = operation, source: Folder = source) -> Result:
                return list(_star_round(operation, source, folder, parts).take_all())

            rows = steps.run(name, run)
            current = steps.folder.child(name)
            if operation == "large" and not sum(row["unsettled"] for row in rows):
                return current
    raise RuntimeError("connected components did not settle in 200 rounds")


def _star_round(operation: str, source: Folder, folder: Folder, parts: int) -> ray.data.Dataset:
    def spread(part: int) -> Iterator[pa.Table]:
        table = read_part(source, part, EDGES, ["u", "v"])
        u, v = table["u"].to_numpy(), table["v"].to_numpy()
        if operation == "large":
            u, v = both_ways(u, v)
        yield pa.table({"part": _bucket(mix(u.astype(np.uint64)), parts), "u": u, "v": v})

    def reduce(part: int, rows: pa.Table) -> Iterator[pa.Table]:
        u, v, unsettled = rows["u"].to_numpy(), rows["v"].to_numpy(), 0
        if operation == "large":
            u, v, unsettled = large_star(u, v)
        else:
            u, v = small_star(u, v)
        write_part(folder, part, pa.table({"u": u, "v": v}))
        yield pa.table({"unsettled": [unsettled]})

    return shuffled(over_parts(parts, spread), parts, reduce)


# --- from clusters to removed rows ---


def survivors(read: Folder, part: int, members: I64, nodes: I64) -> tuple[pa.Array, pa.Table]:
    """Look up the survivors that are in one partition.

    Args:
        read: Folder of the read documents.
        part: The partition.
        members: Duplicates, and
        nodes: for each its survivor, all of this partition.

    Returns:
        The survivors' ids, and the partition's largest clusters.
    """
    table = read_part(read, part, READ_SCHEMA, ["id", "path", "source"])
    unique, counts = np.unique(nodes, return_counts=True)
    top = np.lexsort((unique, -counts))[:_LARGEST]
    chosen = table.take(pa.array(row_of(unique[top])))
    largest = pa.table({"survivor": chosen["id"], "path": chosen["path"], "source": chosen["source"], "members": counts[top]})
    return table["id"].take(pa.array(row_of(nodes))).combine_chunks(), largest


def duplicate_rows(members: I64, ids: pa.Array, exact: I64) -> pa.Table:
    """Return one partition's `DUPLICATES`, sorted by row. `exact` are the members that have the very text of another."""
    order = np.argsort(members)
    return pa.table(
        {"row": row_of(members)[order], "exact": np.isin(members, exact)[order], "duplicate_of": ids.take(pa.array(order))},
        schema=DUPLICATES,
    )


@ray.remote
def _one_task(steps: Folder, folder: Folder, parts: int) -> list[dict[str, Any]]:
    """Cluster all edges in this task's memory."""
    edges = pa.concat_tables([read_part(steps.child("edges"), part, EDGES) for part in range(parts)])
    u, v = edges["u"].to_numpy(), edges["v"].to_numpy()
    exact = np.unique(u[edges["exact"].to_numpy()])
    members, nodes = union_find(*distinct(u, v))
    homes = partition_of(nodes)
    ids = np.empty(len(members), dtype=object)
    largest: list[dict[str, Any]] = []
    for part in np.unique(homes):
        here = homes == part
        found, top = survivors(steps.child("read"), int(part), members[here], nodes[here])
        ids[here] = found.to_pylist()
        largest += top.to_pylist()
    places = partition_of(members)
    for part in np.unique(places):
        here = places == part
        write_part(folder, int(part), duplicate_rows(members[here], pa.array(ids[here], pa.string()), exact))
    return largest


def _to_survivors(stars: Folder, read: Folder, folder: Folder, parts: int) -> ray.data.Dataset:
    """Bring each star edge to its survivor's partition and write it there with the survivor's id."""

    def spread(part: int) -> Iterator[pa.Table]:
        table = read_part(stars, part, EDGES, ["u", "v"])
        yield pa.table({"part": partition_of(table["v"].to_numpy()).astype(np.int32), "u": table["u"], "v": table["v"]})

    def look_up(part: int, rows: pa.Table) -> Iterator[pa.Table]:
        members, nodes = distinct(rows["u"].to_numpy(), rows["v"].to_numpy())
        ids, top = survivors(read, part, members, nodes)
        write_part(folder, part, pa.table({"part": partition_of(members).astype(np.int32), "node": members, "id": ids}))
        yield top

    return shuffled(over_parts(parts, spread), parts, look_up)


def _to_members(steps: Folder, folder: Folder, parts: int) -> ray.data.Dataset:
    """Bring each duplicate with its survivor's id to its own partition; those of exact edges come along, to be told apart."""

    def spread(part: int) -> Iterator[pa.Table]:
        yield read_part(steps.child("survivors"), part, _TO_MEMBER)
        edges = read_part(steps.child("edges"), part, EDGES)
        exact = np.unique(edges["u"].to_numpy()[edges["exact"].to_numpy()])
        places = partition_of(exact).astype(np.int32)
        yield pa.table({"part": places, "node": exact, "id": pa.nulls(len(exact), pa.string())}, schema=_TO_MEMBER)

    def write(part: int, rows: pa.Table) -> Iterator[pa.Table]:
        nodes, named = rows["node"].to_numpy(), rows["id"].is_valid().to_numpy()
        ids = rows["id"].combine_chunks().filter(pa.array(named))
        write_part(folder, part, duplicate_rows(nodes[named], ids, nodes[~named]))
        yield pa.table({"part": [part]})

    return shuffled(over_parts(parts, spread), parts, write)


_TO_MEMBER = pa.schema([("part", pa.int32()), ("node", pa.int64()), ("id", pa.string())])
