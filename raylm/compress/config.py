"""What a recipe says of compression: the passes in order, and the text that they calibrate on."""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, PlainValidator, SerializeAsAny, ValidationError, field_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from raylm.compress.passes import PASSES
from raylm.compress.passes.int8 import Int8
from raylm.recipe.section import Section, resource

if TYPE_CHECKING:
    AnySection = Section
else:  # all that is registered, so that `raylm keys` lists the keys of every pass
    AnySection = reduce(or_, (known.section for known in PASSES.values()))


def read_pass(value: Any) -> Section:
    """Return the section of the pass that `method` names; the registry is asked when a recipe is read.

    Raises:
        ValueError: there is no such pass, or one of its keys is wrong.
    """
    if isinstance(value, Section) and any(type(value) is known.section for known in PASSES.values()):
        return value
    if not isinstance(value, dict):
        raise ValueError("a mapping with `method` and that pass's keys")
    name = value.get("method", "no method")
    if not isinstance(name, str) or name not in PASSES:
        problem = PydanticCustomError("unknown_pass", "{known}", {"known": ", ".join(sorted(PASSES))})
        raise ValidationError.from_exception_data("Pass", [InitErrorDetails(type=problem, loc=("method",), input=name)])
    return PASSES[name].section.model_validate(value)


AnyPass = Annotated[SerializeAsAny[AnySection], PlainValidator(read_pass)]
"""The section of a registered pass."""


class CalibrationConfig(Section):
    """The bounded piece of training text whose activations the passes look at. Never held-out text."""

    windows: int = Field(default=48, ge=1)
    """Windows of text, shared out among the sources by their tokens."""
    length: int = Field(default=256, ge=2)
    """Tokens in a window; cut to the model's context."""


class CompressConfig(Section):
    """How the checkpoint is made smaller and faster."""

    passes: tuple[AnyPass, ...] = (Int8(),)
    """Compression passes by their `method`, applied in order: each works on what the one before it left."""
    calibration: CalibrationConfig = CalibrationConfig()
    """Text for ranges and error figures."""
    threads: int = resource(1, ge=1)
    """Torch threads of the compressing task. More than there are free cores makes it slower, not faster."""

    @field_validator("passes")
    @classmethod
    def _not_empty(cls, passes: tuple[Section, ...]) -> tuple[Section, ...]:
        if not passes:  # as a constraint of the field it would also be reported for a pass that is wrong
            raise ValueError(f"at least one of {', '.join(sorted(PASSES))}")
        return passes
