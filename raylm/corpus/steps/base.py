"""What a step is: one entry of the recipe's `corpus.steps`, asked in their order. It removes documents or changes their texts.

A step never rewrites the corpus. It reads a `Corpus`, which is the read artifact as the steps before left it, and writes for
each partition a small table of its own changes. So every removal keeps its reason, a killed run goes on at the step, and the texts
are written once, at the end.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from raylm.corpus.language.codes import Languages
from raylm.corpus.measures.base import Measure
from raylm.recipe.section import Section

if TYPE_CHECKING:
    import pyarrow as pa

    from raylm.corpus.markers import Markers, Result
    from raylm.progress import Meter
    from raylm.storage import Folder


class Step(Section):
    """One entry of `corpus.steps`. A subclass has a field `do` with its name as the only value."""

    do: str
    """Which step this is."""
    sources: tuple[str, ...] = ()
    """Names of the sources whose documents it may touch; empty means all."""
    languages: Languages = ()
    """Languages (ISO 639-1, as identified) whose documents it may touch; empty means all."""

    def measures(self) -> tuple[Measure, ...]:
        """Return what the step reads of documents besides their text."""
        return ()

    scale: ClassVar[Literal["share", "perplexity"]] = "share"
    """What the models say that it asks: a classifier's share, or a language model's perplexity."""
    needs_language: ClassVar[bool] = False
    """Whether it reads each document's language, whatever `languages` says."""

    def masks_asked(self) -> tuple[str, ...]:
        """Return the kinds of personal data whose masked places the step counts by name."""
        return ()

    def models_asked(self) -> tuple[str, ...]:
        """Return the names of the models of `corpus.models` whose scores the step reads as such."""
        return ()

    def files(self, stage: str) -> tuple[str, ...]:
        """Return the places that the recipe names for it and whose contents decide what `stage` makes: `read`, where a measure uses
        them, or `corpus`, where only the decision does."""
        return ()

    def run(self, corpus: "Corpus", work: "Work") -> dict[str, Any]:
        """Write the changes (`CHANGES`) of every partition with `work.changes`; return what the report shows, of JSON types."""
        raise NotImplementedError


@dataclass(frozen=True)
class Corpus:
    """The documents between two steps: pickles, so that tasks can be handed one. Reading is by partition, always."""

    read: "Folder"
    """Partitions of the read artifact."""
    scores: "Folder | None"
    """Partitions of the models' scores, row for row those of `read`."""
    parts: int
    documents: int = 0
    """About how many documents there are: what is small is done in one task, where a shuffle would take longer."""
    ranks: dict[str, int] = field(default_factory=dict)
    """Rank of each source, 0 first: who keeps what several have."""
    measures: tuple[Measure, ...] = ()
    """What was measured of every document on reading."""
    changes: tuple["Folder", ...] = ()
    """The changes of the steps so far, in order."""

    def rows(self, part: int, columns: Iterable[str]) -> "pa.Table":
        """Return the documents of a partition that are left, sorted by id.

        Args:
            part: the partition.
            columns: of the read artifact or the scores; `text` is the text as the steps so far left it.

        Returns:
            The columns, and before them `row` (int64: the place in the read partition, which names the document in `CHANGES`) and
            `edited` (bool: a step changed its text, so what was measured on it no longer holds).
        """
        from raylm.corpus.steps.state import rows_left

        return rows_left(self, part, list(columns))

    def after(self, changes: "Folder") -> "Corpus":
        """Return the corpus as it is once a step's changes are made."""
        return replace(self, changes=(*self.changes, changes))


@dataclass(frozen=True)
class Work:
    """Where one step does its work, and what it tells of it."""

    markers: "Markers"
    name: str
    """Name of the step's folder."""
    label: str
    """What the funnel calls the step."""
    meter: "Meter"

    def part_step(self, name: str, make: "Callable[[Folder], Iterable[dict[str, Any]]]", also: tuple[str, ...] = ()) -> "Result":
        """Run a part of the step once, as `Markers.run`: it fills its own folder, and the further ones in `also`, with
        partitions."""
        from raylm.corpus.markers import FOLDER

        return self.markers.run(f"{self.name}-{name}", make, tuple(f"{FOLDER}/{self.name}-{one}" for one in (name, *also)))

    def folder(self, name: str) -> "Folder":
        """Return the folder that `part_step(name, ...)` filled."""
        return self.markers.folder.child(f"{self.name}-{name}")

    def changes(self, make: "Callable[[Folder], Iterable[dict[str, Any]]]") -> "Result":
        """Run the step's last part once: it fills the folder of the step's changes, a partition of `CHANGES` for each of the
        corpus'."""
        return self.markers.run(self.name, make)
