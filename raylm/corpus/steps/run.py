"""The steps of a corpus, one after the other: rules that follow each other in the recipe are one pass over the partitions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from raylm.corpus.markers import Markers
from raylm.corpus.rules.base import Rule
from raylm.corpus.steps.base import Corpus, Step, Work
from raylm.progress import Meter


@dataclass(frozen=True)
class Group:
    """What is done in one go: one step, or several rules."""

    name: str
    """Of its folder."""
    steps: tuple[tuple[str, Step], ...]
    """(label, step) in order."""


def labels(steps: Sequence[Step]) -> list[str]:
    """Return what each step is called: what it does, numbered from the second of its kind on (`near`, `near 2`)."""
    seen: dict[str, int] = {}
    found = []
    for step in steps:
        seen[step.do] = seen.get(step.do, 0) + 1
        found.append(step.do if seen[step.do] == 1 else f"{step.do} {seen[step.do]}")
    return found


def grouped(steps: Sequence[Step]) -> list[Group]:
    """Return the groups of a recipe's steps, in order."""
    labelled = list(zip(labels(steps), steps, strict=True))
    groups: list[Group] = []

    def add(chosen: Sequence[tuple[str, Step]], what: str) -> None:
        groups.append(Group(f"{len(groups):02d}-{what.replace(' ', '-')}", tuple(chosen)))

    for is_rule, run in groupby(labelled, key=lambda item: isinstance(item[1], Rule)):
        if is_rule:
            add(list(run), "rules")
        else:
            for label, step in run:
                add([(label, step)], label)
    return groups


def run_steps(
    steps: Sequence[Step], corpus: Corpus, markers: Markers, meter: Meter
) -> Iterator[tuple[Group, Corpus, dict[str, Any]]]:
    """Run the steps; yield each group with the corpus as it left it and what the report shows of it."""
    for group in grouped(steps):
        first, step = group.steps[0]
        work = Work(markers, group.name, first, meter)
        if isinstance(step, Rule):
            from raylm.corpus.rules.passing import run_rules

            details = run_rules([(label, rule) for label, rule in group.steps if isinstance(rule, Rule)], corpus, work)
        else:
            details = step.run(corpus, work)
        corpus = corpus.after(markers.folder.child(group.name))
        yield group, corpus, details
