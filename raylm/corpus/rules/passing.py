"""One pass of several rules over the partitions: which documents go and why, and what other thresholds would have done."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from raylm.corpus.parts import over_parts, write_part
from raylm.corpus.rules.base import Rule
from raylm.corpus.rules.deciding import broken, first_reasons
from raylm.corpus.rules.whatif import Trial, merge, trials
from raylm.corpus.steps.anew import current
from raylm.corpus.steps.base import Corpus, Work
from raylm.corpus.steps.scope import scope_columns, scoped
from raylm.corpus.steps.state import changes_table
from raylm.storage import Folder

Labelled = Sequence[tuple[str, Rule]]


def run_rules(rules: Labelled, corpus: Corpus, work: Work) -> dict[str, Any]:
    """Ask the rules of every document in order; the first that objects removes it. Write the changes, return the trials."""
    work.meter.begin("apply rules", "partitions", corpus.parts)
    measures = tuple(dict.fromkeys(measure for _, rule in rules for measure in rule.measures()))
    columns = list(dict.fromkeys(["content", "bytes", *(name for _, rule in rules for name in needs(rule))]))

    def make(folder: Folder) -> list[dict[str, Any]]:
        def each(part: int) -> Iterator[pa.Table]:
            rows = current(corpus, part, columns, measures)
            removed, found = decide(rules, rows)
            if removed.num_rows:
                write_part(folder, part, removed)
            work.meter.advance()
            yield pa.table({"trials": [json.dumps(found, sort_keys=True)]})

        # Added up as they come: the partitions' trials together need not fit into the driver.
        return [{"trials": merge(json.loads(row["trials"]) for row in over_parts(corpus.parts, each).iter_rows())}]

    return work.changes(make)[0]


def needs(rule: Rule) -> list[str]:
    """Return the columns that a rule reads."""
    return [*scope_columns(rule), *(name for measure in rule.measures() for name in measure.columns), *rule.columns(),
            *(bound.column for bound in rule.bounds()), *(["language"] if any(bound.language for bound in rule.bounds()) else [])]


def decide(rules: Labelled, rows: pa.Table) -> tuple[pa.Table, list[Trial]]:
    """Return the changes (`CHANGES`) that the rules make to some rows, and what other thresholds would have done to them."""
    by: npt.NDArray[np.object_] = np.full(rows.num_rows, None, dtype=object)
    reason = by.copy()
    objections = np.zeros(rows.num_rows, dtype=np.int64)
    asked: list[tuple[str, Rule, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]] = []
    for label, rule in rules:
        inside = scoped(rule, rows)
        refusals, binds = rule.refusals(rows), inside & rule.binds(rows)
        reasons = np.array(first_reasons(refusals, rule.bounds(), binds, rows), dtype=object)
        against = np.array([one is not None for one in reasons], dtype=bool) & inside
        new = against & np.array([one is None for one in by], dtype=bool)
        by[new], reason[new] = label, reasons[new]
        asked.append((label, rule, binds, against))
        objections += np.array([one is not None for one in refusals], dtype=bool) & inside
        for bound in rule.bounds():
            objections += broken(bound, rows) & binds
    gone = np.flatnonzero([one is not None for one in by])
    tables = [changes_table([], "")]
    for label in dict.fromkeys(by[gone]):
        mine = gone[by[gone] == label]
        tables.append(changes_table(rows["row"].to_numpy()[mine], label, reason=list(reason[mine])))
    found = [trial for label, rule, binds, against in asked for trial in trials(label, rule, rows, binds, against, objections)]
    return pa.concat_tables(tables).sort_by("row"), found
