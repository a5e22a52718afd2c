"""The registry of compression passes: a pass is a section of the recipe and the function that carries it out.

A new pass is one file here and one line in `PASSES`; the recipe, the stage and the report follow. Its function takes the network
(float32, as the passes before left it), its section and the calibration text, and returns a `Compressed`; it reads no file and
knows nothing of Ray.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from raylm.compress.passes import int8
from raylm.recipe.section import Section


@dataclass(frozen=True)
class Pass:
    """A way to make a network smaller or faster."""

    section: type[Section]
    """What a recipe says of it. Has a field `method` with the pass's name as its only value."""
    apply: Callable[..., Any]
    """`(decoder, section, calibration) -> raylm.compress.result.Compressed`; imports torch only when called."""
    sentence: str
    """What it does to a checkpoint, for the report."""


PASSES: dict[str, Pass] = {
    int8.NAME: Pass(int8.Int8, int8.apply, "Only the blocks' linear layers become 8-bit; embedding and output layer stay."),
}
"""Pass by the name that recipes call it."""
