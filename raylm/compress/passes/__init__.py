"""The registry of compression passes: a pass is a section of the recipe and the function that carries it out.

A new pass is one file here, one line in `PASSES` and its section in `raylm.compress.config.Pass`. Its function takes the
network (float32), its section and the calibration text, and returns a `Compressed`; it reads no file and knows nothing of Ray.
"""

from collections.abc import Callable
from typing import Any

from raylm.compress.passes import int8

PASSES: dict[type[Any], Callable[..., Any]] = {int8.Int8: int8.apply}
"""Section of a pass -> `(decoder, section, calibration) -> raylm.compress.result.Compressed`."""
