"""The decoder-only Transformer in Llama's shape, with Hugging Face's parameter names so that checkpoints need no translation.

`Trunk` is the part that the language model and the scorer share; `Decoder` puts the output layer on it. The loss can be taken
inside `forward`, since under ZeRO-3 parameters are only gathered while the module that owns them runs.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from raylm.model.attention import Attention, Cache, packed_mask, packed_positions, rotation
from raylm.model.config import ModelConfig
from raylm.model.linear import Linear, activation_dtype
from raylm.model.loss import token_loss


class Norm(nn.Module):
    """RMSNorm (Zhang and Sennrich 2019, arXiv:1910.07467)."""

    def __init__(self, width: int, eps: float) -> None:
        """Start as the identity scale."""
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the last dimension."""
        return F.rms_norm(x, (x.shape[-1],), self.weight.to(x.dtype), self.eps)


class FeedForward(nn.Module):
    """SwiGLU (Shazeer 2020, arXiv:2002.05202)."""

    def __init__(self, config: ModelConfig) -> None:
        """Create the three projections."""
        super().__init__()
        self.gate_proj = Linear(config.hidden, config.feed_forward)
        self.up_proj = Linear(config.hidden, config.feed_forward)
        self.down_proj = Linear(config.feed_forward, config.hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., hidden) to (..., hidden)."""
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    """Attention and feed-forward, each after a norm and added to the stream."""

    def __init__(self, config: ModelConfig) -> None:
        """Create the parts."""
        super().__init__()
        self.input_layernorm = Norm(config.hidden, config.norm_eps)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = Norm(config.hidden, config.norm_eps)
        self.mlp = FeedForward(config)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor], mask: Tensor | None, cache: Cache | None = None) -> Tensor:
        """Map (batch, sequence, hidden) to the same."""
        x = x + self.self_attn(self.input_layernorm(x), rope, mask, cache)
        return x + self.mlp(self.post_attention_layernorm(x))


class Trunk(nn.Module):
    """Embedding, blocks and the final norm."""

    def __init__(self, config: ModelConfig) -> None:
        """Create and initialise the parts; see `initialise`."""
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocabulary, config.hidden)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = Norm(config.hidden, config.norm_eps)

    def forward(self, ids: Tensor, documents: Tensor | None = None, positions: Tensor | None = None,
                mask: Tensor | None = None, caches: list[Cache] | None = None) -> Tensor:
        """Return the hidden states (batch, sequence, hidden) of ids (batch, sequence).

        Args:
            ids: int64 token ids.
            documents: int64 ids of the documents packed into each row; attention stays inside, positions restart.
            positions: explicit positions (with `mask` and `caches`, for generation); counted from 0 if absent.
            mask: (batch, 1, sequence, places), True where one may look; causal if absent.
            caches: one per layer, extended in place.
        """
        if documents is not None:
            positions, mask = packed_positions(documents), packed_mask(documents)
        elif positions is None:
            positions = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
        rope = rotation(positions, self.config.head_width, self.config.rope_theta)
        x = self.embed_tokens(ids)
        x = x.to(activation_dtype(x))
        rope = (rope[0].to(x.dtype), rope[1].to(x.dtype)) if x.dtype == torch.float64 else rope
        for index, block in enumerate(self.layers):
            x = block(x, rope, mask, caches[index] if caches is not None else None)
        return self.norm(x)


class Decoder(nn.Module):
    """A causal language model."""

    def __init__(self, config: ModelConfig) -> None:
        """Create the network with fresh weights drawn from torch's global generator."""
        super().__init__()
        self.config = config
        self.model = Trunk(config)
        self.lm_head = Linear(config.hidden, config.vocabulary)
        initialise(self, config)
        if config.tied:
            self.lm_head.weight = self.model.embed_tokens.weight

    def hidden(self, ids: Tensor, documents: Tensor | None = None) -> Tensor:
        """Return the final hidden states (batch, sequence, hidden)."""
        states: Tensor = self.model(ids, documents)
        return states

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the scores (..., vocabulary) of the next token."""
        scores: Tensor = self.lm_head(hidden)
        return scores

    def forward(self, ids: Tensor, documents: Tensor | None = None, labels: Tensor | None = None) -> Tensor:
        """Return the logits (batch, sequence, vocabulary), or with `labels` the summed loss over those that are not -100."""
        hidden = self.hidden(ids, documents)
        if labels is None:
            return self.logits(hidden)
        # Only positions that carry loss are worth a row of the vocabulary matrix: answers in fine-tuning are a small part.
        kept = labels.flatten() != -100
        return token_loss(self.logits(hidden.flatten(0, 1)[kept]), labels.flatten()[kept])[0]


def initialise(module: nn.Module, config: ModelConfig) -> None:
    """Draw normal weights of standard deviation 0.02, those that write to the stream scaled by 1/sqrt(2 layers) (GPT-2)."""
    for name, parameter in module.named_parameters():
        if parameter.dim() < 2:
            continue
        writes = name.endswith(("o_proj.weight", "down_proj.weight"))
        nn.init.normal_(parameter, std=0.02 / (2 * config.layers) ** 0.5 if writes else 0.02)
