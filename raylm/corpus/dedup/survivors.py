"""From pairs (duplicate, the document that stands for it) to changes in the duplicates' own partitions, and the largest clusters.

Pairs travel with what the reader of a report needs: ids, paths, and the similarity where it was measured. Never texts.
"""

from typing import Any

import numpy as np
import pyarrow as pa

from raylm.corpus.dedup.edges import I64, partition_of, row_of
from raylm.corpus.parts import write_part
from raylm.corpus.steps.state import changes_table
from raylm.storage import Folder

PAIRS = pa.schema([("part", pa.int32()), ("node", pa.int64()), ("survivor", pa.int64()), ("id", pa.string()),
                   ("similarity", pa.float64()), ("size", pa.int64())])
"""`part` and `node` of the duplicate; the survivor's node and `id`; the documents in the cluster."""
LARGEST = 20


def pairs_table(nodes: I64, survivors: I64, ids: pa.Array, sizes: I64, similarity: Any = None) -> pa.Table:
    """Return a table of `PAIRS`, sorted by node."""
    order = pa.array(np.argsort(nodes, kind="stable"))
    table = pa.table({
        "part": partition_of(nodes).astype(np.int32), "node": nodes, "survivor": survivors, "id": ids,
        "similarity": pa.nulls(len(nodes), pa.float64()) if similarity is None else similarity,
        "size": sizes}, schema=PAIRS)
    return table.take(order)


def largest_clusters(survivors: I64, ids: pa.Array) -> list[dict[str, Any]]:
    """Return the survivors that stand for most, as rows of `survivor` (id) and `members` (documents removed for it)."""
    unique, first, counts = np.unique(survivors, return_index=True, return_counts=True)
    top = np.lexsort((unique, -counts))[:LARGEST]
    return [{"survivor": ids[int(first[index])].as_py(), "members": int(counts[index])} for index in top]


def write_changes(folder: Folder, part: int, pairs: pa.Table, label: str, reason: str) -> pa.Table:
    """Write the changes of one partition; return a row with how many are `removed`, and its `largest` clusters."""
    rows = row_of(pairs["node"].to_numpy())
    table = changes_table(rows, label, reason=[reason] * len(rows), duplicate_of=pairs["id"].to_pylist(),
                          similarity=pairs["similarity"].to_pylist(), cluster_size=pairs["size"].to_pylist())
    write_part(folder, part, table)
    top = largest_clusters(pairs["survivor"].to_numpy(), pairs["id"].combine_chunks())
    return pa.table({"removed": [len(rows)], "largest": pa.array([top], _TOP)})


_TOP = pa.list_(pa.struct([("survivor", pa.string()), ("members", pa.int64())]))


def merged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sum the partitions' largest clusters; exact where a cluster is among the largest of each of its partitions."""
    sums: dict[str, int] = {}
    for row in rows:
        for cluster in row["largest"]:
            sums[cluster["survivor"]] = sums.get(cluster["survivor"], 0) + cluster["members"]
    ordered = sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:LARGEST]
    return [{"survivor": survivor, "members": members} for survivor, members in ordered]
