"""Applying passes one after the other, each to what the one before it left."""

from collections.abc import Sequence

from raylm.compress.passes import PASSES
from raylm.compress.result import Calibration, Compressed
from raylm.errors import UserError
from raylm.model.decoder import Decoder
from raylm.recipe.section import Section


def apply_passes(decoder: Decoder, sections: Sequence[Section], calibration: Calibration) -> Compressed:
    """Return the network after all passes, with the rows of all of them; the first network stays as it is.

    Raises:
        UserError: a second pass chooses how tensors are written, which one checkpoint can say only once.
    """
    result, quantized_by = Compressed(decoder), ""
    for section in sections:
        name = str(getattr(section, "method"))  # noqa: B009 - every pass has one, `Section` itself has none
        made: Compressed = PASSES[name].apply(result.decoder, section, calibration)
        if made.quantization is not None and quantized_by:
            raise UserError(f"compress.passes: {name} after {quantized_by}: both quantise, allowed: one pass that does")
        if made.quantization is not None:
            quantized_by = name
        rows = [*result.layers, *({"pass": name, **row} for row in made.layers)]
        result = Compressed(made.decoder, made.quantization or result.quantization, rows)
    return result
