"""From pairs (duplicate, the document that stands for it) to changes in their own partitions, and the largest clusters.

Pairs travel with what the reader of a report needs: ids, paths, and the similarity where it was measured. Never texts.
"""

from typing import Any

import numpy as np
import pyarrow as pa

from raylm.corpus.dedup.earlier import Earlier
from raylm.corpus.dedup.edges import I64, partition_of, row_of
from raylm.corpus.parts import write_part
from raylm.corpus.steps.state import changes_table
from raylm.storage import Folder

PAIRS = pa.schema([("part", pa.int32()), ("node", pa.int64()), ("survivor", pa.int64()), ("id", pa.string()),
                   ("similarity", pa.float64()), ("size", pa.int64())])
"""`part` and `node` of the duplicate; the survivor's node and `id`; the documents in the cluster. A survivor is there too, with its
own node: so that its partition learns what it stands for."""
LARGEST = 20


def pairs_table(nodes: I64, survivors: I64, ids: pa.Array, sizes: I64, similarity: Any = None) -> pa.Table:
    """Return a table of `PAIRS`, sorted by node."""
    order = pa.array(np.argsort(nodes, kind="stable"))
    table = pa.table({
        "part": partition_of(nodes).astype(np.int32), "node": nodes, "survivor": survivors, "id": ids,
        "similarity": pa.nulls(len(nodes), pa.float64()) if similarity is None else similarity,
        "size": sizes}, schema=PAIRS)
    return table.take(order)


def largest_clusters(survivors: I64, ids: pa.Array, earlier: Earlier) -> list[dict[str, Any]]:
    """Return the survivors that stand for most, as rows of `survivor` (id), `place` of the earlier corpus that has it, "" for this
    one, and `members` (documents removed for it)."""
    unique, first, counts = np.unique(survivors, return_index=True, return_counts=True)
    top = np.lexsort((unique, -counts))[:LARGEST]
    places = earlier.places_of(unique[top])
    return [{"survivor": ids[int(first[index])].as_py(), "place": place or "", "members": int(counts[index])}
            for index, place in zip(top, places, strict=True)]


def write_changes(folder: Folder, part: int, pairs: pa.Table, label: str, reason: str, earlier: Earlier) -> pa.Table:
    """Write the changes of one partition; return a row with how many are `removed`, and its `largest` clusters."""
    nodes, survivors = pairs["node"].to_numpy(), pairs["survivor"].to_numpy()
    stays = np.unique(nodes[nodes == survivors], return_index=True)[1]
    standing = pairs.filter(pa.array(nodes == survivors)).take(pa.array(stays))
    gone = pairs.filter(pa.array(nodes != survivors))
    survivors = gone["survivor"].to_numpy()
    removed = changes_table(
        row_of(gone["node"].to_numpy()), label, reason=[reason] * gone.num_rows, duplicate_of=gone["id"].to_pylist(),
        duplicate_in=earlier.places_of(survivors), similarity=gone["similarity"].to_pylist(), cluster_size=gone["size"].to_pylist())
    kept = changes_table(row_of(standing["node"].to_numpy()), label, cluster_size=standing["size"].to_pylist())
    write_part(folder, part, pa.concat_tables([removed, kept]).sort_by("row"))
    top = largest_clusters(survivors, gone["id"].combine_chunks(), earlier)
    return pa.table({"removed": [gone.num_rows], "largest": pa.array([top], _TOP)})


_TOP = pa.list_(pa.struct([("survivor", pa.string()), ("place", pa.string()), ("members", pa.int64())]))


def merged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sum the partitions' largest clusters; exact where a cluster is among the largest of each of its partitions."""
    sums: dict[tuple[str, str], int] = {}
    for row in rows:
        for cluster in row["largest"]:
            key = (cluster["survivor"], cluster["place"])
            sums[key] = sums.get(key, 0) + cluster["members"]
    ordered = sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:LARGEST]
    return [{"survivor": survivor, "place": place, "members": members} for (survivor, place), members in ordered]
