"""Which documents a step may touch: those of its sources and languages."""

from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from raylm.corpus.steps.base import Step

SCOPE = ("source", "language")
"""The columns that `scoped` reads."""


def scope_columns(step: Step) -> list[str]:
    """Return those of `SCOPE` that this step's scope needs."""
    return [name for name, wanted in zip(SCOPE, (step.sources, step.languages), strict=True) if wanted]


def scoped(step: Step, rows: pa.Table) -> npt.NDArray[np.bool_]:
    """Return which rows are in a step's scope; of languages the identified one counts, and an unknown one is in no list."""
    inside = np.ones(rows.num_rows, dtype=bool)
    for name, wanted in zip(SCOPE, (step.sources, step.languages), strict=True):
        if wanted:
            found = pc.is_in(rows[name], value_set=pa.array(wanted, rows[name].type))
            inside &= cast(npt.NDArray[np.bool_], found.to_numpy(zero_copy_only=False))
    return inside
