"""Generating answers: what any rollout engine offers, and the one of ours.

A `Rollout` engine gets weights pushed into it with a version, and every answer carries the version it was made by. Answers
come in chunks of fixed size with a seed each, so that the number of engines changes how fast they come, not what they say.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from raylm.device import device
from raylm.model.generate import generate
from raylm.model.hf_io import load_decoder
from raylm.posttrain.rlhf.config import RlhfConfig
from raylm.posttrain.rlhf.roles import computing_type
from raylm.storage import Folder


@dataclass(frozen=True)
class Generated:
    """Answers to one chunk of prompts."""

    tokens: list[list[int]]
    """New tokens of each answer, the end token included where one was drawn; at least one."""
    logprobs: list[Tensor]
    """Their float32 log-probabilities under the distribution that they were drawn from."""
    version: int
    """Version of the weights that spoke."""


class Rollout(Protocol):
    """What the controller asks of a rollout engine."""

    def load(self, weights: dict[str, Tensor], version: int) -> int:
        """Take new weights by checkpoint name, and return the version now held."""
        ...

    def generate(self, prompts: list[list[int]], stop: list[int], seed: int) -> Generated:
        """Answer a chunk of prompts with randomness from `seed` alone."""
        ...


class TorchRollout:
    """The static-cache engine of `raylm.model.generate`: the same network code as the actor's, on any machine."""

    def __init__(self, checkpoint: Folder, config: RlhfConfig) -> None:
        """Load a language model's checkpoint as version 0."""
        self.decoder = load_decoder(checkpoint.local(), computing_type(config.dtype)).to(device())
        self.config, self.version = config, 0

    def load(self, weights: dict[str, Tensor], version: int) -> int:
        """Copy weights into the network; a missing or unknown name raises."""
        self.decoder.load_state_dict(weights)
        self.version = version
        return self.version

    def generate(self, prompts: list[list[int]], stop: list[int], seed: int) -> Generated:
        """Answer a chunk of prompts. Nothing is cut from the distribution (no top-p): PPO's ratios are of the whole one."""
        generator = torch.Generator(device()).manual_seed(seed)
        made = generate(self.decoder, prompts, max_new=self.config.max_new, temperature=self.config.temperature,
                        stop=frozenset(stop), generator=generator)
        return Generated(made.tokens, made.logprobs, self.version)
