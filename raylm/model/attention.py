"""Grouped-query attention with rotary positions, over a plain batch, packed documents, or a static key-value cache.

The rotation angles are computed from positions in float32 at every forward pass instead of being kept as a buffer: casting a
module to bfloat16 would silently round a buffer, and angles rounded to 8 bits misplace every token past a few hundred.
"""

import torch
from torch import Tensor, nn

from raylm.model.config import ModelConfig
from raylm.model.linear import Linear, attend


def rotation(positions: Tensor, width: int, theta: float) -> tuple[Tensor, Tensor]:
    """Return the cosines and sines of RoPE (Su et al. 2021, arXiv:2104.09864), in the half-split layout of Llama.

    Args:
        positions: (batch, sequence) integer positions.
        width: head width; even.
        theta: base of the geometric frequencies.

    Returns:
        Two float32 tensors (batch, 1, sequence, width).
    """
    frequencies = theta ** (-torch.arange(0, width, 2, dtype=torch.float32, device=positions.device) / width)
    angles = positions.float().unsqueeze(-1) * frequencies
    angles = torch.cat([angles, angles], dim=-1).unsqueeze(1)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Apply a rotation to (batch, heads, sequence, width)."""
    left, right = x.float().chunk(2, dim=-1)
    return (x * cosine + torch.cat([-right, left], dim=-1) * sine).to(x.dtype)


def packed_positions(documents: Tensor) -> Tensor:
    """Return positions that restart at every document of a packed row; (batch, sequence) in and out."""
    index = torch.arange(documents.shape[1], device=documents.device).expand_as(documents)
    first = torch.ones_like(documents, dtype=torch.bool)
    first[:, 1:] = documents[:, 1:] != documents[:, :-1]
    return index - torch.where(first, index, 0).cummax(dim=1).values


def packed_mask(documents: Tensor) -> Tensor:
    """Return the mask (batch, 1, sequence, sequence), True where a token may look: back, and within its own document."""
    same = documents.unsqueeze(2) == documents.unsqueeze(1)
    return same.tril().unsqueeze(1)


class Cache:
    """Keys and values of one layer for a fixed number of places, filled from the left."""

    def __init__(self, batch: int, heads: int, places: int, width: int, dtype: torch.dtype, device: torch.device) -> None:
        """Reserve (batch, heads, places, width) twice."""
        self.keys = torch.zeros(batch, heads, places, width, dtype=dtype, device=device)
        self.values = torch.zeros_like(self.keys)
        self.filled = 0

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add (batch, heads, new, width) and return all that is there."""
        end = self.filled + keys.shape[2]
        self.keys[:, :, self.filled:end] = keys
        self.values[:, :, self.filled:end] = values
        self.filled = end
        return self.keys[:, :, :end], self.values[:, :, :end]


class Attention(nn.Module):
    """Softmax attention in which several query heads share a key-value head (Ainslie et al. 2023, arXiv:2305.13245)."""

    def __init__(self, config: ModelConfig) -> None:
        """Create the four projections, without biases, named as in Hugging Face's Llama."""
        super().__init__()
        width = config.head_width
        self.width, self.heads, self.kv_heads = width, config.heads, config.kv_heads
        self.q_proj = Linear(config.hidden, config.heads * width)
        self.k_proj = Linear(config.hidden, config.kv_heads * width)
        self.v_proj = Linear(config.hidden, config.kv_heads * width)
        self.o_proj = Linear(config.heads * width, config.hidden)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor], mask: Tensor | None, cache: Cache | None = None) -> Tensor:
        """Attend over (batch, sequence, hidden); `mask` (batch, 1, sequence, places) is True where one may look, None is causal."""
        batch, length, _ = x.shape
        q = self.q_proj(x).view(batch, length, self.heads, self.width).transpose(1, 2)
        k = self.k_proj(x).view(batch, length, self.kv_heads, self.width).transpose(1, 2)
        v = self.v_proj(x).view(batch, length, self.kv_heads, self.width).transpose(1, 2)
        q, k = rotate(q, *rope), rotate(k, *rope)
        if cache is not None:
            k, v = cache.extend(k, v)
        if self.kv_heads != self.heads:
            repeats = self.heads // self.kv_heads
            k, v = k.repeat_interleave(repeats, dim=1), v.repeat_interleave(repeats, dim=1)
        mixed = attend(q, k, v, mask)
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, length, self.heads * self.width))
