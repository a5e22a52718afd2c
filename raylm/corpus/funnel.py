"""The funnel: from the steps' sums per source and reason to documents and bytes in and out of every step. Pure and exact: every
document that was read is in it once.
"""

from collections import defaultdict
from typing import Any

STEPS = {
    "read": "decode files",
    "clean": "normalise and mask",
    "rules": "quality rules",
    "exact": "exact duplicates",
    "near": "near duplicates",
}
"""Name of each step in the metrics, and in the report."""

Row = dict[str, Any]


def funnel(read: list[Row], final: list[Row]) -> list[Row]:
    """Return {step, source, documents_in, documents_out, bytes_in, bytes_out}, by step, then source.

    Args:
        read: Sums of the first step per source, step and reason: `documents`, `raw_bytes`, `read_bytes`, `bytes`.
        final: The same after duplicate removal: `documents`, `bytes`.
    """
    rows: list[Row] = []
    sources = sorted({row["source"] for row in read})
    for source in sources:
        mine = [row for row in read if row["source"] == source]
        last = [row for row in final if row["source"] == source]
        decoded = [row for row in mine if row["step"] != "read"]
        judged = [row for row in decoded if row["step"] is None]
        unique = [row for row in last if row["step"] in (None, "near")]
        kept = [row for row in last if row["step"] is None]
        rows += [
            _row("read", source, mine, "raw_bytes", decoded, "read_bytes"),
            _row("clean", source, decoded, "read_bytes", decoded, "bytes"),
            _row("rules", source, decoded, "bytes", judged, "bytes"),
            _row("exact", source, judged, "bytes", unique, "bytes"),
            _row("near", source, unique, "bytes", kept, "bytes"),
        ]
    order = list(STEPS)
    return sorted(rows, key=lambda row: (order.index(row["step"]), row["source"]))


def _row(step: str, source: str, before: list[Row], size_in: str, after: list[Row], size_out: str) -> Row:
    return {
        "step": step,
        "source": source,
        "documents_in": sum(row["documents"] for row in before),
        "documents_out": sum(row["documents"] for row in after),
        "bytes_in": sum(row[size_in] for row in before),
        "bytes_out": sum(row[size_out] for row in after),
    }


def reasons(final: list[Row]) -> dict[str, dict[str, int]]:
    """Return removed documents per step and reason."""
    found: dict[str, dict[str, int]] = {step: {} for step in STEPS}
    for row in final:
        if row["step"] is not None:
            found[row["step"]][row["reason"]] = found[row["step"]].get(row["reason"], 0) + row["documents"]
    return {step: dict(sorted(counts.items())) for step, counts in found.items() if counts}


def samples(final: list[Row], each: int = 5) -> dict[str, list[str]]:
    """Return for every reason the paths of a few removed documents: the first in alphabetical order of each source in turn."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in final:
        if row["step"] is not None:
            found[row["reason"]][row["source"]] += row["samples"]
    chosen = {}
    for reason, by_source in sorted(found.items()):
        ordered = [sorted(paths) for _, paths in sorted(by_source.items())]
        turns = [paths[turn] for turn in range(each) for paths in ordered if turn < len(paths)]
        chosen[reason] = turns[:each]
    return chosen


def masked(read: list[Row]) -> dict[str, dict[str, int]]:
    """Return for each source how many places were masked, by kind of personal data."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in read:
        for key, value in row.items():
            if key.startswith("masked_"):
                kind = key.removeprefix("masked_")
                found[row["source"]][kind] = found[row["source"]].get(kind, 0) + value
    return {source: dict(sorted(kinds.items())) for source, kinds in sorted(found.items())}
