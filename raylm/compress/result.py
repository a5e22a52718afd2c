"""What a compression pass returns: the network as it computes from now on, and what to write so that others compute it."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from raylm.model.decoder import Decoder


@dataclass(frozen=True)
class Calibration:
    """Text that a pass may look at: windows of packed training documents."""

    ids: Tensor
    """(windows, length) int64 token ids."""
    documents: Tensor
    """(windows, length) int64: which document of its window a token belongs to; attention does not cross."""


@dataclass(frozen=True)
class Compressed:
    """A pass's result."""

    decoder: Decoder
    """The compressed network, computing in float32 what an engine computes with the written tensors."""
    quantization: dict[str, Any] | None = None
    """`quantization_config` of `config.json`, in compressed-tensors' vocabulary; None for a dense result."""
    layers: list[dict[str, Any]] = field(default_factory=list)
    """A row per changed layer: `name`, `weight_error`, `output_error` (relative, Frobenius) and what else the pass reports."""

    def tensors(self) -> dict[str, Tensor]:
        """Return what goes into `model.safetensors`: integers and scales as they are, all other floats as bfloat16."""
        state = self.decoder.state_dict()
        if self.decoder.config.tied:
            state.pop("lm_head.weight", None)
        return {name: (tensor if name.endswith("_scale") or not tensor.is_floating_point() else tensor.bfloat16()).contiguous()
                for name, tensor in sorted(state.items())}
