"""W8A8: 8-bit integer weights and activations, the one reduced format that CPUs run faster than bfloat16.

Weights have one scale per output channel. Activations have one scale per layer, calibrated on text (`static`), or one per
token, measured as it runs (`dynamic`): static is faster, dynamic stands outliers better. Embedding and output layer stay as
they are. Torch is imported inside the functions: the recipe's schema must load without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from raylm.errors import UserError
from raylm.recipe.section import Section

if TYPE_CHECKING:
    from torch import nn

    from raylm.compress.result import Calibration, Compressed
    from raylm.model.decoder import Decoder

NAME = "int8"
HEAD_WIDTHS = (32, 64, 80, 96, 112, 128, 160, 192, 224, 256, 512)
"""Widths of an attention head that vLLM 0.32 computes on CPUs (`cpu_attn.py`); its int8 kernels take any size of layer."""


class Int8(Section):
    """8-bit weights and activations."""

    method: Literal["int8"] = "int8"
    """Which pass this is."""
    activations: Literal["static", "dynamic"] = "static"
    """One calibrated scale per layer, or one per token measured while running."""
    weight_bits: Literal[7, 8] = 7
    """How many of a weight's 8 bits are used. Processors without VNNI or AMX instructions add pairs of products in 16 bits, which
    8-bit weights can overflow unnoticed; 7 bits are exact on every processor and round twice as coarsely."""
    observer: Literal["mse", "minmax"] = "mse"
    """How a range is chosen: the one that loses least to rounding, or the one that clips nothing."""


def apply(decoder: Decoder, config: Int8, calibration: Calibration) -> Compressed:
    """Replace the linear layers of every block by 8-bit ones.

    Args:
        decoder: the network, float32; left as it is.
        config: what to do.
        calibration: text for the activations' ranges, and for the error of each layer.

    Raises:
        UserError: the heads' width is none that vLLM can run.
    """
    import copy

    from raylm.compress.observe import input_ranges, output_errors
    from raylm.compress.ranges import weight_scales
    from raylm.compress.result import Compressed
    from raylm.model.int8 import Int8Linear, dequantize, quantize, scale_of

    check_heads(decoder.config.head_width)
    layers = block_linears(decoder)
    ranges = input_ranges(decoder, layers, calibration, config.observer)
    replaced: dict[str, Int8Linear] = {}
    for name, layer in layers.items():
        weight = layer.weight.detach().float()
        scale = scale_of(weight.new_tensor([ranges[name]])) if config.activations == "static" else None
        steps = weight_scales(weight, config.observer, config.weight_bits)
        replaced[name] = Int8Linear(quantize(weight, steps, config.weight_bits), steps, scale)
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


def check_heads(width: int) -> None:
    """Refuse a network that vLLM cannot run on a CPU, before work is put into it.

    Raises:
        UserError: naming the width and those that are allowed.
    """
    if width not in HEAD_WIDTHS:
        raise UserError(f"compress: vLLM runs heads of width {', '.join(map(str, HEAD_WIDTHS))} on CPUs; this model's are "
                        f"{width} wide: change pretrain's model.hidden or model.heads (the width is hidden / heads)")


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
