"""W8A8: 8-bit integer weights and activations, the one reduced format that CPUs run faster than bfloat16.

Weights have one scale per output channel. Activations have one scale per layer, calibrated on text (`static`), or one per token,
measured as it runs (`dynamic`): static is faster on CPUs, dynamic needs no calibration and stands outliers better. Embedding
and output layer stay as they are. Torch is imported inside the functions: the recipe's schema must load without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from raylm.errors import UserError
from raylm.recipe.section import Section

if TYPE_CHECKING:
    from torch import nn

    from raylm.compress.result import Calibration, Compressed
    from raylm.model.decoder import Decoder

MULTIPLE = 16
"""Sizes that vLLM's int8 kernels take: rows and columns in whole blocks of 16 bytes."""


class Int8(Section):
    """8-bit weights and activations."""

    method: Literal["int8"] = "int8"
    """Which pass this is."""
    activations: Literal["static", "dynamic"] = "static"
    """One calibrated scale per layer, or one per token measured while running."""
    observer: Literal["mse", "minmax"] = "mse"
    """How a range is chosen: the one that loses least to rounding, or the one that clips nothing."""


def apply(decoder: Decoder, config: Int8, calibration: Calibration) -> Compressed:
    """Replace the linear layers of every block by 8-bit ones.

    Args:
        decoder: the network, float32; left as it is.
        config: what to do.
        calibration: text for the activations' ranges, and for the error of each layer.

    Raises:
        UserError: a layer's size does not fit the kernels.
    """
    import copy

    from raylm.compress.observe import input_ranges, output_errors
    from raylm.compress.ranges import weight_scales
    from raylm.compress.result import Compressed
    from raylm.model.int8 import Int8Linear, dequantize, quantize, scale_of

    layers = block_linears(decoder)
    check_sizes(layers)
    ranges = input_ranges(decoder, layers, calibration, config.observer)
    replaced: dict[str, nn.Module] = {}
    for name, layer in layers.items():
        weight = layer.weight.detach().float()
        scale = scale_of(weight.new_tensor([ranges[name]])) if config.activations == "static" else None
        steps = weight_scales(weight, config.observer)
        replaced[name] = Int8Linear(quantize(weight, steps), steps, scale)
    errors = output_errors(decoder, layers, replaced, calibration)
    rows = []
    for name, layer in layers.items():
        new, weight = replaced[name], layer.weight.detach().float()
        difference = dequantize(new.weight, new.weight_scale) - weight
        rows.append({"name": name, "shape": list(weight.shape), "input_range": round(ranges[name], 5),
                     "weight_error": round(float(difference.norm() / weight.norm().clamp(min=1e-12)), 5),
                     "output_error": round(errors[name], 5)})
    compressed = copy.deepcopy(decoder)
    for name, module in replaced.items():
        compressed.set_submodule(name, module)
    return Compressed(compressed, quantization_config(config), rows)


def block_linears(decoder: Decoder) -> dict[str, nn.Linear]:
    """Return the linear layers inside the blocks by name: all but the output layer."""
    from torch import nn

    return {name: module for name, module in decoder.named_modules() if isinstance(module, nn.Linear) and name != "lm_head"}


def check_sizes(layers: dict[str, nn.Linear]) -> None:
    """Refuse layers that the int8 kernels cannot take.

    Raises:
        UserError: naming the first such layer.
    """
    for name, layer in layers.items():
        if layer.in_features % MULTIPLE or layer.out_features % MULTIPLE:
            raise UserError(
                f"compress: int8 needs layers whose inputs and outputs are multiples of {MULTIPLE}; {name} maps {layer.in_features} "
                f"to {layer.out_features}: change model.hidden, model.feed_forward or the number of heads, and train again")


def quantization_config(config: Int8) -> dict[str, Any]:
    """Return the `quantization_config` that tells vLLM and transformers how the tensors are to be read."""
    common = {"num_bits": 8, "type": "int", "symmetric": True}
    weights = common | {"strategy": "channel", "dynamic": False, "observer": config.observer}
    static = config.activations == "static"
    inputs = common | ({"strategy": "tensor", "dynamic": False, "observer": config.observer} if static
                       else {"strategy": "token", "dynamic": True, "observer": None})
    group = {"targets": ["Linear"], "weights": weights, "input_activations": inputs, "output_activations": None}
    return {"quant_method": "compressed-tensors", "format": "int-quantized", "quantization_status": "compressed",
            "config_groups": {"group_0": group}, "ignore": ["lm_head"], "kv_cache_scheme": None}
