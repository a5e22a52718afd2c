"""The funnel: from the partitions' sums per step, source and reason to documents and bytes in and out of every step. Pure and
exact: every document that was read is in it once.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]
READ, CLEAN = "read", "clean"
SENTENCES = {READ: "decode files", CLEAN: "normalise and mask", "exact": "exact duplicates", "near": "near duplicates",
             "url": "same address", "substrings": "repeated substrings", "sentences": "repeated sentences",
             "paragraphs": "repeated paragraphs", "decontaminate": "evaluation sets"}
"""What the report calls a step; rules go by their own names."""


def shown(step: str) -> str:
    """Return what the report calls a step."""
    kind, _, number = step.partition(" ")
    return " ".join(filter(None, [SENTENCES.get(kind, kind.replace("_", " ")), number]))


def funnel(read: Sequence[Row], final: Sequence[Row], steps: Sequence[str]) -> list[Row]:
    """Return {step, source, documents_in, documents_out, bytes_in, bytes_out, edited}, by step in their order, then source.

    Args:
        read: the read stage's sums by source and `unread`: `documents`, `raw_bytes`, `read_bytes`, `bytes`.
        final: the sums of `publish`.
        steps: the labels of the steps, in order.
    """
    rows: list[Row] = []
    for source in sorted({row["source"] for row in read}):
        mine = [row for row in read if row["source"] == source]
        decoded = [row for row in mine if row["unread"] is None]
        rows.append(_row(READ, source, _sum(mine, "documents"), _sum(decoded, "documents"), _sum(mine, "raw_bytes"),
                         _sum(decoded, "read_bytes")))
        documents, size = _sum(decoded, "documents"), _sum(decoded, "bytes")
        rows.append(_row(CLEAN, source, documents, documents, _sum(decoded, "read_bytes"), size))
        for step in steps:
            here = [row for row in final if row["source"] == source and row["step"] == step]
            left = documents - _sum(here, "documents")
            size_left = size - _sum(here, "bytes") - _sum(here, "edited_bytes")
            rows.append(_row(step, source, documents, left, size, size_left) | {"edited": _sum(here, "edited")})
            documents, size = left, size_left
    order = [READ, CLEAN, *steps]
    return sorted(rows, key=lambda row: (order.index(row["step"]), row["source"]))


def _sum(rows: Sequence[Row], key: str) -> int:
    return sum(row.get(key) or 0 for row in rows)


def _row(step: str, source: str, documents_in: int, documents_out: int, bytes_in: int, bytes_out: int) -> Row:
    return {"step": step, "source": source, "documents_in": documents_in, "documents_out": documents_out, "bytes_in": bytes_in,
            "bytes_out": bytes_out, "edited": 0}


def reasons(final: Sequence[Row]) -> dict[str, dict[str, int]]:
    """Return removed documents per step and reason."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in final:
        if row["step"] and row["reason"] is not None:
            found[row["step"]][row["reason"]] = found[row["step"]].get(row["reason"], 0) + row["documents"]
    return {step: dict(sorted(counts.items())) for step, counts in sorted(found.items())}


def samples(final: Sequence[Row], each: int = 5) -> list[Row]:
    """Return a few removed documents of each step and reason: {step, reason, source, path, text}, the sources taking turns."""
    found: dict[tuple[str, str], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in final:
        if row["step"] and row["reason"] is not None:
            found[row["step"], row["reason"]][row["source"]] += row["samples"]
    chosen: list[Row] = []
    for (step, reason), by_source in sorted(found.items()):
        ordered = [(source, sorted(rows, key=lambda row: row["id"])) for source, rows in sorted(by_source.items())]
        turns = [(source, rows[turn]) for turn in range(each) for source, rows in ordered if turn < len(rows)]
        chosen += [{"step": step, "reason": reason, "source": source, "path": row["path"], "text": row["text"]}
                   for source, row in turns[:each]]
    return chosen


def masked(read: Sequence[Row]) -> dict[str, dict[str, int]]:
    """Return for each source how many places were masked, by kind of personal data."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in read:
        for key, value in row.items():
            if key.startswith("masked_"):
                kind = key.removeprefix("masked_")
                found[row["source"]][kind] = found[row["source"]].get(kind, 0) + value
    return {source: dict(sorted(kinds.items())) for source, kinds in sorted(found.items())}
