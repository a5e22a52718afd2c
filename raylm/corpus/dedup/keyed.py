"""Removing documents with equal keys, on Ray: each partition settles its own, one shuffle the rest.

Memory of a task: the keys of one partition, or one partition's share of the keys of all, 36 bytes and an id for each.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from raylm.corpus.dedup.earlier import Earlier
from raylm.corpus.dedup.edges import I64, pack_nodes, preference
from raylm.corpus.dedup.survivors import PAIRS, merged, pairs_table, write_changes
from raylm.corpus.parts import bucket_of, exchanged, routed, write_part
from raylm.corpus.steps.anew import current
from raylm.corpus.steps.base import Corpus, Step, Work
from raylm.corpus.steps.scope import scope_columns, scoped
from raylm.storage import Folder

if TYPE_CHECKING:
    from raylm.corpus.steps.exact import Keyed

U64 = npt.NDArray[np.uint64]


def nodes_of(step: Step, corpus: Corpus, part: int, rows: pa.Table) -> I64:
    """Return the node of each row of a partition, by the step's `keep_by`, the sources' ranks, partition and row."""
    keep_by, high = getattr(step, "keep_by", ""), getattr(step, "keep", "high") == "high"
    scores = rows[keep_by].cast(pa.float64()).to_numpy() if keep_by else None
    ranks = np.array([corpus.ranks[name] for name in rows["source"].to_pylist()], dtype=np.int64)
    return pack_nodes(preference(scores, rows.num_rows, high), ranks, part, rows["row"].to_numpy())


def node_rows(step: Step, corpus: Corpus, part: int, columns: list[str]) -> pa.Table:
    """Return rows with these columns and those that `nodes_of` and the step's scope need, `keep_by` as it is of the texts now."""
    keep_by = getattr(step, "keep_by", "")
    wanted = dict.fromkeys(["source", *([keep_by] if keep_by else []), *scope_columns(step), *columns])
    return current(corpus, part, list(wanted), [measure for measure in corpus.measures if keep_by in measure.columns])


def least_of_each(high: U64, low: U64, nodes: I64) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return (order, least): the rows in order of key and node, and for each of these the row that has its key's smallest node."""
    order = np.lexsort((nodes, low, high))
    first = np.ones(len(order), dtype=bool)
    first[1:] = (high[order][1:] != high[order][:-1]) | (low[order][1:] != low[order][:-1])
    starts = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    return order, order[starts] if len(order) else order


def key_sizes(least: I64, sizes: I64) -> I64:
    """Return for each row of `least_of_each` the sum of `sizes` over the rows of its key."""
    _, inverse = np.unique(least, return_inverse=True)
    return np.bincount(inverse, weights=sizes).astype(np.int64)[inverse] if len(least) else least


@dataclass(frozen=True)
class _Keys:
    """The keyed documents of one partition, in order of row."""

    ids: pa.Array
    nodes: I64
    high: U64
    low: U64


def _keys(step: "Keyed", corpus: Corpus, earlier: Earlier, part: int) -> _Keys:
    if part >= corpus.parts:
        rows = earlier.table(part, ["id", *step.published()])
        nodes = earlier.nodes(part, rows.num_rows)
        high, low, keyed = step.keys(rows)
    else:
        rows = node_rows(step, corpus, part, [*step.key_columns(), "id"])
        nodes = nodes_of(step, corpus, part, rows)
        high, low, keyed = step.keys(rows)
        keyed &= scoped(step, rows)
    return _Keys(rows["id"].filter(pa.array(keyed)).combine_chunks(), nodes[keyed], high[keyed], low[keyed])


def remove_equal(step: "Keyed", corpus: Corpus, work: Work) -> dict[str, Any]:
    """Find the documents with equal keys, keep the best one of each, and write the changes; return the largest clusters."""
    earlier = Earlier.of(step.against, corpus.parts)
    total = corpus.parts + earlier.parts
    work.meter.begin(f"{work.label}: compare", "partitions", total)

    def spread(part: int) -> Iterator[pa.Table]:
        found = _keys(step, corpus, earlier, part)
        order, least = least_of_each(found.high, found.low, found.nodes)
        mine = np.flatnonzero(order == least)
        chosen = order[mine]
        sizes = np.diff(np.append(mine, len(order)))
        work.meter.advance()
        yield pa.table({"part": bucket_of(found.high[chosen], corpus.parts), "high": found.high[chosen], "low": found.low[chosen],
                        "node": found.nodes[chosen], "id": found.ids.take(pa.array(chosen)), "size": sizes})

    def settle(folder: Folder) -> list[dict[str, Any]]:
        def reduce(bucket: int, rows: pa.Table) -> Iterator[pa.Table]:
            nodes = rows["node"].to_numpy()
            order, least = least_of_each(rows["high"].to_numpy(), rows["low"].to_numpy(), nodes)
            sizes = key_sizes(least, rows["size"].to_numpy()[order])
            # The survivor goes along: its partition may have more of the key, and it has to learn what it stands for.
            moved = sizes > 1
            members, survivors = order[moved], least[moved]
            ids = rows["id"].combine_chunks().take(pa.array(survivors))
            table = pairs_table(nodes[members], nodes[survivors], ids, sizes[moved])
            table = table.filter(pa.array(table["part"].to_numpy() < corpus.parts))
            write_part(folder, bucket, table)
            yield pa.table({"pairs": [table.num_rows]})

        small = not earlier.parts and corpus.documents <= step.rows_in_one_task
        return exchanged(total, spread, corpus.parts, reduce, small)

    pairs = sum(row["pairs"] for row in work.part_step("pairs", settle))

    def write(folder: Folder) -> list[dict[str, Any]]:
        def reduce(part: int, given: pa.Table) -> Iterator[pa.Table]:
            table = _spread_out(_keys(step, corpus, earlier, part), given)
            yield write_changes(folder, part, table, work.label, step.reason(), earlier)

        return routed(work.folder("pairs"), PAIRS, corpus.parts, corpus.parts, pairs, step.rows_in_one_task, reduce)

    rows = work.changes(write)
    return {"removed": sum(row["removed"] for row in rows), "clusters": merged(rows)}


def _spread_out(found: _Keys, given: pa.Table) -> pa.Table:
    """Give every document of a partition the survivor that the smallest of its key was given."""
    order, least = least_of_each(found.high, found.low, found.nodes)
    told = {int(node): index for index, node in enumerate(given["node"].to_numpy())}
    told_of = np.array([told.get(int(node), -1) for node in found.nodes[least]], dtype=np.int64)
    chosen = told_of >= 0
    members, source = found.nodes[order[chosen]], told_of[chosen]
    return pairs_table(members, given["survivor"].to_numpy()[source], given["id"].combine_chunks().take(pa.array(source)),
                       given["size"].to_numpy()[source])


