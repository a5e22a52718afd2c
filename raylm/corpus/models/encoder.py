"""A small transformer encoder that reads a text both ways and gives one number: the logit of the positive class (Vaswani et al.
2017, layers normalised before they work as in Xiong et al. 2020; the mean over the text's pieces goes into the last layer).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

PAD = 0
"""The id that fills a batch up."""


@dataclass(frozen=True)
class Shape:
    """How large an encoder is."""

    vocabulary: int
    hidden: int
    layers: int
    heads: int
    context: int
    """Most pieces of a text."""


class Encoder(nn.Module):
    """Pieces in, a logit out."""

    def __init__(self, shape: Shape, dropout: float = 0.0) -> None:
        """Draw the weights from torch's generator."""
        super().__init__()
        self.pieces = nn.Embedding(shape.vocabulary, shape.hidden)
        self.positions = nn.Parameter(torch.randn(shape.context, shape.hidden) * 0.02)
        self.blocks = nn.ModuleList(Block(shape.hidden, shape.heads, dropout) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.hidden)
        self.dropout = nn.Dropout(dropout)
        self.score = nn.Linear(shape.hidden, 1)
        nn.init.normal_(self.pieces.weight, std=0.02)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the logits (batch,) of ids (batch, pieces), filled up with `PAD` on the right; each text has a piece."""
        there = ids != PAD
        hidden = self.dropout(self.pieces(ids) + self.positions[: ids.shape[1]])
        for block in self.blocks:
            hidden = block(hidden, there)
        weights = there.unsqueeze(-1).to(hidden.dtype)
        mean = (self.norm(hidden) * weights).sum(1) / weights.sum(1)  # (batch, hidden)
        logits: Tensor = self.score(self.dropout(mean)).squeeze(-1)
        return logits


class Block(nn.Module):
    """Attention over all pieces of the text, then a feed-forward layer of four times the width."""

    def __init__(self, hidden: int, heads: int, dropout: float) -> None:
        """Draw the weights."""
        super().__init__()
        self.heads = heads
        self.attention_norm, self.forward_norm = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.mixed, self.out = nn.Linear(hidden, 3 * hidden), nn.Linear(hidden, hidden)
        self.up, self.down = nn.Linear(hidden, 4 * hidden), nn.Linear(4 * hidden, hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, there: Tensor) -> Tensor:
        """Return (batch, pieces, hidden); `there` (batch, pieces) says which are pieces of the text."""
        batch, pieces, width = hidden.shape
        split = self.mixed(self.attention_norm(hidden)).view(batch, pieces, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)  # each (batch, heads, pieces, width of a head)
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=there[:, None, None, :])
        hidden = hidden + self.dropout(self.out(found.transpose(1, 2).reshape(batch, pieces, width)))
        return hidden + self.dropout(self.down(functional.gelu(self.up(self.forward_norm(hidden)))))
