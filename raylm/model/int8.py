"""8-bit linear layers as our own engine computes them: what a checkpoint in compressed-tensors' W8A8 form means, in torch.

Everything is symmetric (zero is exactly 0), since kernels pay for a zero point at every product. Ranges end at -128 and 127
and a scale is range/127.5, as compressed-tensors defines them, so our integers are its integers. Sums are floating-point: this
is the reference for the kernels' results and the engine of machines without them, not a fast path.
"""

import json
from pathlib import Path

import torch
from torch import Tensor, nn

from raylm.errors import UserError
from raylm.model.decoder import Decoder
from raylm.model.hf_io import fill_decoder, load_config, load_state


def scale_of(largest: Tensor, bits: int = 8) -> Tensor:
    """Return the scale that covers magnitudes up to `largest`, any shape; 1 where that is 0, so that zeros stay zeros."""
    return torch.where(largest > 0, largest / ((2**bits - 1) / 2), torch.ones_like(largest))


def integers(values: Tensor, scale: Tensor, bits: int = 8) -> Tensor:
    """Round to whole steps of `scale` (broadcast), halves to even, beyond the range of `bits` to its end; still floating point."""
    return (values / scale).clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1).round()


def quantize(values: Tensor, scale: Tensor, bits: int = 8) -> Tensor:
    """Return `integers` as int8."""
    return integers(values, scale, bits).to(torch.int8)


def dequantize(quantized: Tensor, scale: Tensor) -> Tensor:
    """Return the values that int8 tensors stand for, in the type of `scale`."""
    return quantized.to(scale.dtype) * scale


def rounded(values: Tensor, scale: Tensor, bits: int = 8) -> Tensor:
    """Quantize and come back, staying in floating point."""
    return integers(values, scale, bits) * scale


class Int8Linear(nn.Module):
    """A linear layer with int8 weights and inputs; buffers carry the names that compressed-tensors gives them."""

    weight: Tensor
    weight_scale: Tensor
    input_scale: Tensor | None

    def __init__(self, weight: Tensor, weight_scale: Tensor, input_scale: Tensor | None) -> None:
        """Take int8 weights (outputs, inputs) with scales (outputs, 1), and `input_scale` (1,) or None for one per token."""
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("weight_scale", weight_scale.float())
        self.register_buffer("input_scale", input_scale)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., inputs) to (..., outputs): inputs rounded as the kernel rounds them, products in floating point."""
        scale = self.input_scale
        if scale is None:  # per token; kernels divide by 127 here, so that the largest value is hit exactly
            largest = x.abs().amax(dim=-1, keepdim=True)
            scale = torch.where(largest > 0, largest / 127, torch.ones_like(largest))
        return nn.functional.linear(rounded(x, scale), dequantize(self.weight, self.weight_scale).to(x.dtype))


def is_quantized(folder: Path) -> bool:
    """Whether a checkpoint folder holds quantised tensors."""
    return "quantization_config" in json.loads((folder / "config.json").read_text(encoding="utf-8"))


def load_int8_decoder(folder: Path) -> Decoder:
    """Build the float32 network that computes what a W8A8 checkpoint means, on the CPU, in evaluation mode.

    Raises:
        UserError: the checkpoint is quantised in another way.
    """
    form = json.loads((folder / "config.json").read_text(encoding="utf-8"))["quantization_config"].get("format")
    if form != "int-quantized":
        raise UserError(f"{folder}: tensors in the form {form!r} cannot be computed here; allowed: int-quantized")
    state, decoder = load_state(folder), Decoder(load_config(folder))
    layers = [name.removesuffix(".weight_scale") for name in state if name.endswith(".weight_scale")]
    replaced = {name: Int8Linear(state.pop(f"{name}.weight"), state.pop(f"{name}.weight_scale"),
                                 _optional(state.pop(f"{name}.input_scale", None))) for name in layers}
    # The rest is filled in as for any checkpoint; what the integer layers replace is filled with itself and dropped.
    parameters = decoder.state_dict()
    fill_decoder(decoder, {**state, **{f"{name}.weight": parameters[f"{name}.weight"] for name in layers}}, folder)
    for name, layer in replaced.items():
        decoder.set_submodule(name, layer)
    return decoder.float().eval()


def _optional(scale: Tensor | None) -> Tensor | None:
    return None if scale is None else scale.float().reshape(1)
