"""What the evaluation asks of an engine, in token ids, so that every engine reads and writes exactly the same."""

from dataclasses import dataclass
from statistics import median
from typing import Protocol


@dataclass(frozen=True)
class Timing:
    """When the tokens of one timed round came, in seconds from its start."""

    arrivals: list[float]
    """For each step of the batch the time when its tokens were there; the first step reads the prompts."""
    tokens: int
    """Tokens generated over all prompts."""

    @property
    def first(self) -> float:
        """Seconds to the first token."""
        return self.arrivals[0]

    @property
    def per_token(self) -> float | None:
        """Median seconds between two tokens of a prompt."""
        gaps = [after - before for before, after in zip(self.arrivals, self.arrivals[1:], strict=False)]
        return median(gaps) if gaps else None

    @property
    def rate(self) -> float:
        """Tokens per second over all prompts, reading the prompts included."""
        return self.tokens / self.arrivals[-1]


class Engine(Protocol):
    """A loaded checkpoint."""

    name: str

    def logprobs(self, windows: list[list[int]]) -> list[list[float]]:
        """Return the log-probability (nats) of every token but each window's first."""
        ...

    def answers(self, prompts: list[list[int]], max_new: int, stop: set[int]) -> list[list[int]]:
        """Continue each prompt greedily to a stop token (not returned) or `max_new` tokens."""
        ...

    def timed(self, prompts: list[list[int]], new: int) -> Timing:
        """Generate `new` tokens for all prompts at once, whatever they are, and say when they came."""
        ...
