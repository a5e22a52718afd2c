"""Matrix products with bfloat16 weights on any CPU.

A CPU without bfloat16 instructions (AVX-512 BF16, AMX) has no fast kernel for them: one measured 12 times slower than in float32.
There weights stay bfloat16 and activations are float32 from the embedding on: every product is taken in float32 from the rounded
weights, which is what the instructions do in hardware, and nothing in between is rounded back. So a recipe that says bf16 trains
the same numbers everywhere, more exactly where the hardware lacks the type, at nearly the speed of float32.
"""

import functools

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@functools.cache
def fast_bf16_cpu() -> bool:
    """Return whether this CPU multiplies bfloat16 matrices in hardware."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def widened(tensor: Tensor) -> bool:
    """Return whether a product with this tensor is to be taken in float32."""
    return tensor.dtype == torch.bfloat16 and tensor.device.type == "cpu" and not fast_bf16_cpu()


def activation_dtype(weight: Tensor) -> torch.dtype:
    """Return the type of the activations in a network with such weights."""
    return torch.float32 if widened(weight) else weight.dtype


class Linear(nn.Linear):
    """A linear layer without bias."""

    def __init__(self, inputs: int, outputs: int) -> None:
        """Create a layer with weights (outputs, inputs)."""
        super().__init__(inputs, outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., inputs) to (..., outputs), in the type of `x`."""
        if widened(self.weight):
            return F.linear(x.float(), self.weight.float()).to(x.dtype)
        return F.linear(x, self.weight)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """Return softmax attention (batch, heads, sequence, width); `mask` is True where one may look, None is causal."""
    if widened(q):
        return attend(q.float(), k.float(), v.float(), mask).to(q.dtype)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
