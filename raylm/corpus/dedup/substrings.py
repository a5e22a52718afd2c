"""Repeated substrings on Ray: pass 1 shuffles the names of windows (see `winnow`), pass 2 is `repeats` over the windows so named.

Memory of a worker, whatever the size of the input: the text of one partition (B bytes) and, in pass 1, its distinct names
(about 0.04 B rows of 24 bytes) and one block of their shuffle (as much, at most about twice); in pass 2, the windows of a stretch
of 4 MB (at most 60 bytes each) and one block of their shuffle, of `WINDOWS` rows of 40 bytes on average: there are more blocks
where there are more windows.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from raylm.corpus.dedup.earlier import Earlier
from raylm.corpus.dedup.repeats import FINER, Loaded, cut_repeats, is_small, load
from raylm.corpus.dedup.texts import Spans
from raylm.corpus.dedup.winnow import fingerprints, gram, suspects
from raylm.corpus.parts import bucket_of, exchanged, read_part, routed, write_part
from raylm.corpus.steps.base import Corpus, Work
from raylm.storage import Folder

if TYPE_CHECKING:
    from raylm.corpus.steps.substrings import Substrings

WINDOWS = 4_000_000
"""Windows in a block of pass 2's shuffle, on average."""
NAMES = pa.schema([("part", pa.int32()), ("name", pa.uint64()), ("home", pa.int32()), ("count", pa.int64())])
REPEATED = pa.schema([("part", pa.int32()), ("name", pa.uint64())])


def cut_substrings(step: "Substrings", corpus: Corpus, work: Work) -> dict[str, Any]:
    """Do the step; return the figures of the report."""

    earlier = Earlier.of(step.against, corpus.parts)
    total = corpus.parts + earlier.parts

    def count(folder: Folder) -> list[dict[str, Any]]:
        work.meter.begin(f"{work.label}: fingerprint", "partitions", total)

        def send(part: int) -> Iterator[pa.Table]:
            yield name_rows(load(step, corpus, earlier, part), step.length, total * FINER)
            work.meter.advance()

        return exchanged(total, send, total, lambda bucket, rows: _counted(folder, bucket, rows),
                         is_small(corpus, earlier, step.bytes_in_one_task))

    found = work.part_step("names", count)

    def deliver(folder: Folder) -> list[dict[str, Any]]:
        def write(part: int, rows: pa.Table) -> Iterator[pa.Table]:
            write_part(folder, part, pa.table({"name": np.sort(rows["name"].to_numpy())}))
            yield pa.table({"part": [part]})

        rows = sum(row["rows"] for row in found)
        return routed(work.folder("names"), REPEATED, total * FINER, total, rows, step.rows_in_one_task, write)

    work.part_step("repeated", deliver)
    repeated = work.folder("repeated")

    def find(loaded: Loaded) -> Iterator[Spans]:
        names = read_part(repeated, loaded.part, pa.schema([REPEATED.field("name")]))["name"].to_numpy()
        yield from suspects(loaded.texts, step.length, names) if len(names) else ()

    # A window is named by one of the places in it; a place names half of the windows around it.
    windows = sum(row["places"] for row in found) * (step.length - gram(step.length) + 2) // 2
    return cut_repeats(step, corpus, work, find, step.borders, max(total, -(-windows // WINDOWS)))


def name_rows(loaded: Loaded, length: int, buckets: int) -> pa.Table:
    """Return what a partition sends in pass 1 (`NAMES`): a row for each name of its windows."""
    names, counts = fingerprints(loaded.texts, length)
    # Names are minima, so their high bits are mostly zeros: they are scattered before they say the bucket.
    bucket = bucket_of(names * np.uint64(0x9E3779B97F4A7C15), buckets)
    home = np.full(len(names), loaded.part, dtype=np.int32)
    return pa.table({"part": bucket, "name": names, "home": home, "count": counts}, NAMES)


def counted_names(rows: pa.Table) -> tuple[pa.Table, int]:
    """Return of one bucket's rows (`NAMES`) those named at two places or more (`REPEATED`), and how many places that is."""
    names, home, counts = (rows[column].to_numpy() for column in ("name", "home", "count"))
    order = np.lexsort((home, names))
    names, home, counts = names[order], home[order], counts[order]
    starts = np.flatnonzero(np.append(True, names[1:] != names[:-1])) if len(names) else order
    sizes = np.diff(np.append(starts, len(names)))
    total = np.repeat(np.add.reduceat(counts, starts), sizes) if len(starts) else counts
    kept = total > 1
    return pa.table({"part": home[kept], "name": names[kept]}, schema=REPEATED), int(counts[kept].sum())


def _counted(folder: Folder, bucket: int, rows: pa.Table) -> Iterator[pa.Table]:
    repeated, places = counted_names(rows)
    write_part(folder, bucket, repeated)
    yield pa.table({"rows": [repeated.num_rows], "places": [places]})
