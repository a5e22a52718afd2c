"""From columns to decisions, a partition at a time: which bound a document breaks first."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from raylm.corpus.rules.base import Bound


def values(rows: pa.Table, column: str) -> npt.NDArray[np.float64]:
    """Return a numeric column as floats, NaN where there is no value."""
    return cast(npt.NDArray[np.float64], rows[column].cast(pa.float64()).to_numpy())


def broken(bound: Bound, rows: pa.Table) -> npt.NDArray[np.bool_]:
    """Return which rows break a bound. A missing value breaks none."""
    found = values(rows, bound.column)
    result = np.zeros(rows.num_rows, dtype=bool)
    if bound.least is not None:
        result |= found < bound.least
    if bound.most is not None:
        result |= found > bound.most
    if bound.content is not None:
        result &= pa.compute.equal(rows["content"], bound.content).to_numpy(zero_copy_only=False)
    if bound.language is not None:
        result &= pa.compute.equal(rows["language"], bound.language).to_numpy(zero_copy_only=False)
    return result


def first_reasons(
    refusals: Sequence[str | None], bounds: Sequence[Bound], binds: npt.NDArray[np.bool_], rows: pa.Table
) -> list[str | None]:
    """Return each row's reason: its refusal, or that of the first bound that binds and that it breaks, or None."""
    reasons = np.array(refusals, dtype=object)
    for bound in bounds:
        reasons[broken(bound, rows) & binds & (reasons == None)] = bound.reason  # noqa: E711
    return cast(list[str | None], reasons.tolist())
