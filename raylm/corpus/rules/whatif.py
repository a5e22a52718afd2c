"""What another threshold would keep: counted exactly, in the pass that decides, for each bound with all others as they are.

For each bound also a histogram of its column, so that a person sees where the threshold cuts. Bins are fixed, so that partitions
can be added up whatever their number: about 6 % of a value wide.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from raylm.corpus.rules.base import Bound, Rule
from raylm.corpus.rules.deciding import broken, values

Trial = dict[str, Any]
Mask = npt.NDArray[np.bool_]
FACTORS = (0.5, 0.8, 1.0, 1.25, 2.0)
"""What thresholds are multiplied by in the table."""
_FINENESS = 16


def bin_of(found: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the bin of each value: linear around 0, logarithmic beyond a thousandth."""
    return np.floor(np.arcsinh(found * 1000) * _FINENESS).astype(np.int64)


def bin_start(number: float) -> float:
    """Return the value at which a bin begins."""
    return float(np.sinh(number / _FINENESS) / 1000)


def trials(
    label: str, rule: Rule, rows: pa.Table, binds: Mask, against: Mask, objections: npt.NDArray[np.int64]
) -> Iterator[Trial]:
    """Yield for each bound of a rule what it and other thresholds keep of these rows, and the histogram of its column.

    Args:
        label: what the rule is called.
        rule: the rule.
        rows: with the columns of its bounds, and `bytes`.
        binds: rows in its scope that its bounds bind.
        against: rows that it objects to.
        objections: how many bounds and rules of this pass object to each row.
    """
    sizes = rows["bytes"].to_numpy()

    def counted(kept: Mask) -> list[int]:
        return [int(kept.sum()), int(sizes[kept].sum())]

    for bound in rule.bounds():
        own = broken(bound, rows) & binds
        others = objections - own
        tried = {str(factor): counted((others == 0) & ~(broken(_scaled(bound, factor), rows) & binds)) for factor in FACTORS}
        found = values(rows, bound.column)[binds]
        bins, counts = np.unique(bin_of(found[np.isfinite(found)]), return_counts=True)
        yield {"rule": label, "key": bound.key, "column": bound.column, "reason": bound.reason, "least": bound.least,
               "most": bound.most, "content": bound.content or "", "broken": int(own.sum()), "kept": tried,
               "off": counted(others == 0),
               "histogram": {str(one): int(count) for one, count in zip(bins, counts, strict=True)}}
    if not rule.bounds():
        yield {"rule": label, "key": "", "column": "", "reason": "", "least": None, "most": None, "content": "",
               "broken": int(against.sum()), "kept": {"1.0": counted(objections == 0)}, "off": counted(objections - against == 0),
               "histogram": {}}


def _scaled(bound: Bound, factor: float) -> Bound:
    least, most = (None if one is None else one * factor for one in (bound.least, bound.most))
    return replace(bound, least=least, most=most)


def merge(found: Iterable[list[Trial]]) -> list[Trial]:
    """Add up the partitions' trials."""
    total: list[Trial] = []
    for one in found:
        if not total:
            total = one
            continue
        for into, trial in zip(total, one, strict=True):
            into["broken"] += trial["broken"]
            into["off"] = _added(into["off"], trial["off"])
            into["kept"] = {factor: _added(into["kept"][factor], trial["kept"][factor]) for factor in into["kept"]}
            for name, count in trial["histogram"].items():
                into["histogram"][name] = into["histogram"].get(name, 0) + count
    return total


def _added(one: list[int], other: list[int]) -> list[int]:
    return [a + b for a, b in zip(one, other, strict=True)]
