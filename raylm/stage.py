"""What a stage is: a function of its part of the recipe and its input artifacts that fills one output folder.

The pipeline calls it with a `StageContext` and publishes what it returns as the artifact's manifest. A stage that was killed is
called again with the same output folder: what it finds there from before (partitions, checkpoints) is its own to use again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from raylm.progress import Meter
from raylm.recipe.section import Section
from raylm.storage import Artifact, Folder

C = TypeVar("C", bound=Section)


@dataclass(frozen=True)
class StageContext(Generic[C]):
    """What a stage is given."""

    config: C
    seed: int
    inputs: Mapping[str, Artifact]
    """Published artifacts by stage name."""
    output: Folder
    """The folder to fill. It may hold an earlier, killed attempt's work."""
    meter: Meter
    """Progress, callable from the driver and (pickled) from any Ray worker."""


@dataclass(frozen=True)
class Outcome:
    """What a stage says of the artifact that it filled. JSON types only, and the same at every making."""

    metrics: dict[str, Any]
    """Figures and series for the report."""
    headline: dict[str, str]
    """Two to four key figures, readable, for the table at the end of a run."""
    counts_in: dict[str, int] = field(default_factory=dict)
    counts_out: dict[str, int] = field(default_factory=dict)
    cost: dict[str, Any] = field(default_factory=dict)
    """What was measured of this making (rates, peak memory): may differ from one making to the next."""
    scratch: tuple[str, ...] = ()
    """Folders of the output that are deleted once the artifact is published: until then they spare a killed run its work."""
