"""What a recipe says of compression: the passes in order, and the text that they calibrate on."""

from pydantic import Field

from raylm.compress.passes.int8 import Int8
from raylm.recipe.section import Section, resource

Pass = Int8
"""Any pass of `passes/`; with the second one this becomes a union that `method` tells apart."""


class CalibrationConfig(Section):
    """The bounded piece of training text whose activations the passes look at. Never held-out text."""

    windows: int = Field(default=48, ge=1)
    """Windows of text, shared out among the sources by their tokens."""
    length: int = Field(default=256, ge=2)
    """Tokens in a window; cut to the model's context."""


class CompressConfig(Section):
    """How the checkpoint is made smaller and faster."""

    passes: tuple[Pass, ...] = Field((Int8(),), min_length=1, max_length=1)
    """Compression passes, applied in order. One for now: `int8`."""
    calibration: CalibrationConfig = CalibrationConfig()
    """Text for ranges and error figures."""
    threads: int = resource(1, ge=1)
    """Torch threads of the compressing task. More than there are free cores makes it slower, not faster."""
