"""Connected components of the graph of candidates, on Ray: in one task while the edges are few, else in rounds of shuffles.

No process holds more than its partition's share of the edges, with the neighbours of a hub that falls to it (16 bytes each: of a
text that is there a million times 16 MB), or up to the stated limit of them. Every member of a component, the smallest too, is then
told which component it is in and how large that is, in the partition where its text lies.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import ray
import ray.data

from raylm.corpus.dedup.components import both_ways, large_star, small_star, union_find
from raylm.corpus.dedup.edges import I64, partition_of
from raylm.corpus.dedup.signatures import mix
from raylm.corpus.markers import Result
from raylm.corpus.parts import blocked, bucket_of, over_parts, read_part, shuffled, task, write_part
from raylm.corpus.steps.base import Work
from raylm.storage import Folder

EDGES = pa.schema([("u", pa.int64()), ("v", pa.int64())])
MEMBERS = pa.schema([("node", pa.int64()), ("component", pa.int64()), ("size", pa.int64())])
"""Of a partition: its nodes that are in a component, sorted; the component's smallest node; how many nodes it has."""


def find_components(work: Work, edges: list[Folder], count: int, limit: int, buckets: int, parts: int) -> Folder:
    """Find the components of `count` edges that lie in the partitions of some folders.

    Args:
        work: where the steps are.
        edges: folders of `buckets` partitions of `EDGES` each.
        count: edges in all of them.
        limit: edges that one task may take (16 bytes each, and four times that in memory).
        buckets: partitions of the edges.
        parts: partitions of the documents.

    Returns:
        The folder of `MEMBERS`, a partition for each of the documents' that has any.
    """
    if count <= limit:
        work.meter.begin(f"{work.label}: cluster", "", None)
        work.part_step("members", lambda folder: ray.get(task(_in_one_task, edges, buckets, folder)))
        return work.folder("members")
    stars = _rounds(work, edges, buckets)
    work.part_step("sizes", lambda folder: list(_sizes(stars, folder, buckets).take_all()))
    work.part_step("members", lambda folder: list(_to_members(work.folder("sizes"), folder, buckets, parts).take_all()))
    return work.folder("members")


def members_table(nodes: I64, components: I64, sizes: I64) -> pa.Table:
    """Return a table of `MEMBERS`, sorted by node."""
    order = np.argsort(nodes, kind="stable")
    return pa.table({"node": nodes[order], "component": components[order], "size": sizes[order]}, schema=MEMBERS)


def with_smallest(members: I64, smallest: I64) -> tuple[I64, I64, I64]:
    """Add to each component its smallest node; return nodes, components and the components' sizes."""
    unique, inverse, counts = np.unique(smallest, return_inverse=True, return_counts=True)
    nodes, components = np.concatenate([members, unique]), np.concatenate([smallest, unique])
    return nodes, components, np.concatenate([counts[inverse], counts]) + 1


def _read_edges(folders: list[Folder], bucket: int) -> tuple[I64, I64]:
    tables = pa.concat_tables([read_part(folder, bucket, EDGES) for folder in folders])
    return tables["u"].to_numpy(), tables["v"].to_numpy()


def _in_one_task(folders: list[Folder], buckets: int, folder: Folder) -> Result:
    found = [_read_edges(folders, bucket) for bucket in range(buckets)]
    nodes, components, sizes = with_smallest(*union_find(*(np.concatenate(side) for side in zip(*found, strict=True))))
    homes = partition_of(nodes)
    for part in np.unique(homes):
        here = homes == part
        write_part(folder, int(part), members_table(nodes[here], components[here], sizes[here]))
    return [{"nodes": len(nodes)}]


def _rounds(work: Work, edges: list[Folder], buckets: int) -> Folder:
    """Shuffle edges until they are stars around the smallest node of each component; return the folder that holds them."""
    current = edges
    for number in range(1, 200):
        work.meter.begin(f"{work.label}: cluster, round {number}", "", None)
        for operation in ("large", "small"):
            name, source = f"round-{number:03d}-{operation}", current

            def make(folder: Folder, operation: str = operation, source: list[Folder] = source) -> Result:
                return list(_star_round(operation, source, folder, buckets).take_all())

            rows = work.part_step(name, make)
            current = [work.folder(name)]
            if operation == "large" and not sum(row["unsettled"] for row in rows):
                return current[0]
    raise RuntimeError("connected components did not settle in 200 rounds")


def _star_round(operation: str, source: list[Folder], folder: Folder, buckets: int) -> ray.data.Dataset:
    def spread(bucket: int) -> Iterator[pa.Table]:
        u, v = _read_edges(source, bucket)
        if operation == "large":
            u, v = both_ways(u, v)
        yield pa.table({"part": bucket_of(mix(u.astype(np.uint64)), buckets), "u": u, "v": v})

    def reduce(bucket: int, rows: pa.Table) -> Iterator[pa.Table]:
        u, v, unsettled = rows["u"].to_numpy(), rows["v"].to_numpy(), 0
        if operation == "large":
            u, v, unsettled = large_star(u, v)
        else:
            u, v = small_star(u, v)
        write_part(folder, bucket, pa.table({"u": u, "v": v}))
        yield pa.table({"unsettled": [unsettled]})

    return shuffled(over_parts(buckets, blocked(spread, buckets)), buckets, reduce)


def _sizes(stars: Folder, folder: Folder, buckets: int) -> ray.data.Dataset:
    """Bring each star together, by its centre, and write its nodes with its size."""

    def spread(bucket: int) -> Iterator[pa.Table]:
        u, v = _read_edges([stars], bucket)
        yield pa.table({"part": bucket_of(mix(v.astype(np.uint64)), buckets), "u": u, "v": v})

    def reduce(bucket: int, rows: pa.Table) -> Iterator[pa.Table]:
        pairs = np.unique(np.stack([rows["u"].to_numpy(), rows["v"].to_numpy()]), axis=1)
        write_part(folder, bucket, members_table(*with_smallest(*pairs)))
        yield pa.table({"nodes": [pairs.shape[1]]})

    return shuffled(over_parts(buckets, blocked(spread, buckets)), buckets, reduce)


def _to_members(sizes: Folder, folder: Folder, buckets: int, parts: int) -> ray.data.Dataset:
    def spread(bucket: int) -> Iterator[pa.Table]:
        table = read_part(sizes, bucket, MEMBERS)
        yield table.add_column(0, "part", pa.array(partition_of(table["node"].to_numpy()).astype(np.int32)))

    def write(part: int, rows: pa.Table) -> Iterator[pa.Table]:
        write_part(folder, part, rows.drop_columns(["part"]).sort_by("node"))
        yield pa.table({"nodes": [rows.num_rows]})

    return shuffled(over_parts(buckets, blocked(spread, parts)), parts, write)
