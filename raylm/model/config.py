"""The shape of the network, as a recipe states it."""

from typing import Self

from pydantic import Field, model_validator

from raylm.recipe.section import Section


class ModelConfig(Section):
    """A Llama-shaped decoder: RoPE, RMSNorm before each block, SwiGLU, grouped-query attention."""

    vocabulary: int = Field(0, ge=0)
    """Number of token ids; 0 means that of the tokenizer."""
    hidden: int = Field(256, ge=32)
    """Width of the residual stream."""
    layers: int = Field(6, ge=1)
    """Number of blocks."""
    heads: int = Field(8, ge=1)
    """Number of query heads; must divide `hidden` into even parts."""
    kv_heads: int = Field(4, ge=1)
    """Number of key and value heads; must divide `heads`."""
    feed_forward: int = Field(704, ge=32)
    """Width of the SwiGLU feed-forward."""
    context: int = Field(512, ge=16)
    """Longest sequence, in tokens."""
    rope_theta: float = Field(10_000.0, gt=0)
    """Base of the rotary position frequencies."""
    norm_eps: float = Field(1e-5, gt=0)
    """Added to the mean square in RMSNorm."""
    tied: bool = True
    """Whether the output layer is the embedding matrix: saves vocabulary x hidden parameters, which dominate small models."""

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.hidden % self.heads or (self.hidden // self.heads) % 2:
            raise ValueError(f"heads that divide hidden ({self.hidden}) into even parts; {self.heads} does not")
        if self.heads % self.kv_heads:
            raise ValueError(f"kv_heads that divide heads ({self.heads}); {self.kv_heads} does not")
        return self

    @property
    def head_width(self) -> int:
        """Width of one attention head."""
        return self.hidden // self.heads

    def parameters(self) -> int:
        """Number of trainable parameters."""
        attention = self.hidden * self.head_width * (2 * self.heads + 2 * self.kv_heads)
        block = attention + 3 * self.hidden * self.feed_forward + 2 * self.hidden
        return self.vocabulary * self.hidden * (1 if self.tied else 2) + self.layers * block + self.hidden
