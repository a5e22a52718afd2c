"""Sampling from a decoder with a static key-value cache: the rollout engine on machines where nothing faster is installed.

Prompts are padded on the left, so that all rows write their next token into the same place of the cache.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from raylm.model.attention import Cache
from raylm.model.decoder import Decoder
from raylm.model.linear import activation_dtype


@dataclass(frozen=True)
class Rollout:
    """What was generated, a list entry per prompt."""

    tokens: list[list[int]]
    """New tokens, the stop token included where one was drawn."""
    logprobs: list[Tensor]
    """Their float32 log-probabilities under the distribution they were drawn from."""


@torch.inference_mode()
def generate(decoder: Decoder, prompts: list[list[int]], *, max_new: int, temperature: float = 1.0, top_p: float = 1.0,
             stop: set[int] | frozenset[int] = frozenset(), generator: torch.Generator | None = None) -> Rollout:
    """Continue each prompt until a stop token, `max_new` tokens, or the end of the context.

    Args:
        decoder: in evaluation mode or without dropout; computes in its own dtype.
        prompts: token ids, each at least one token and shorter than the context.
        max_new: most new tokens per prompt.
        temperature: divides the logits; 0 takes the most likely token.
        top_p: samples from the smallest set of tokens with this probability (Holtzman et al. 2020, arXiv:1904.09751).
        stop: ids that end a row.
        generator: source of randomness on the decoder's device.

    Raises:
        ValueError: an empty prompt, or one that leaves no room in the context.
    """
    longest = max((len(prompt) for prompt in prompts), default=0)
    if not prompts or min(len(prompt) for prompt in prompts) == 0 or longest >= decoder.config.context:
        raise ValueError(f"prompts must have 1 to {decoder.config.context - 1} tokens, the longest has {longest}")
    weight = decoder.model.embed_tokens.weight
    places = min(longest + max_new, decoder.config.context)
    ids, padding = _left_padded(prompts, longest, weight.device)
    visible = torch.arange(places, device=weight.device).unsqueeze(0) >= padding.unsqueeze(1)  # (batch, places)
    caches = [Cache(len(prompts), decoder.config.kv_heads, places, decoder.config.head_width, activation_dtype(weight),
                    weight.device)
              for _ in range(decoder.config.layers)]
    positions = (torch.arange(longest, device=weight.device).unsqueeze(0) - padding.unsqueeze(1)).clamp(min=0)
    causal = torch.ones(longest, longest, dtype=torch.bool, device=weight.device).tril()
    # A padded row's own padding may look at itself: a softmax over nothing would be NaN and spread.
    mask = (visible[:, None, None, :longest] & causal) | torch.eye(longest, dtype=torch.bool, device=weight.device)
    tokens, scores, alive = [], [], torch.ones(len(prompts), dtype=torch.bool, device=weight.device)
    stops = torch.tensor(sorted(stop), dtype=torch.long, device=weight.device)
    for place in range(longest, places):
        hidden = decoder.model(ids, positions=positions, mask=mask, caches=caches)[:, -1]
        token, score = sample(decoder.logits(hidden), temperature, top_p, generator)
        tokens.append(token.masked_fill(~alive, -1))
        scores.append(score)
        alive = alive & ~torch.isin(token, stops)
        if not alive.any():
            break
        ids, positions = token.unsqueeze(1), (place - padding).unsqueeze(1)
        mask = visible[:, None, None, : place + 1]
    return _ragged(torch.stack(tokens, dim=1), torch.stack(scores, dim=1))


def sample(logits: Tensor, temperature: float, top_p: float, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """Draw one token per row: logits (batch, vocabulary) to ids (batch,) and their log-probabilities (batch,) as drawn."""
    logits = logits.float()
    if temperature == 0:
        best = logits.argmax(dim=-1)
        return best, torch.zeros(len(best), device=logits.device)
    scores = torch.log_softmax(logits / temperature, dim=-1)
    if top_p < 1.0:
        ordered, index = scores.sort(dim=-1, descending=True)
        before = ordered.exp().cumsum(dim=-1) - ordered.exp()
        dropped = (before >= top_p).scatter(-1, index, before >= top_p)
        scores = torch.log_softmax(scores.masked_fill(dropped, float("-inf")), dim=-1)
    token = torch.multinomial(scores.exp(), 1, generator=generator)
    return token.squeeze(1), scores.gather(1, token).squeeze(1)


def _left_padded(prompts: list[list[int]], longest: int, device: torch.device) -> tuple[Tensor, Tensor]:
    padding = torch.tensor([longest - len(prompt) for prompt in prompts], device=device)
    rows = [[0] * (longest - len(prompt)) + prompt for prompt in prompts]
    return torch.tensor(rows, dtype=torch.long, device=device), padding


def _ragged(tokens: Tensor, scores: Tensor) -> Rollout:
    lengths = (tokens >= 0).sum(dim=1).tolist()
    return Rollout([row[:n].tolist() for row, n in zip(tokens, lengths, strict=True)],
                   [row[:n].cpu() for row, n in zip(scores, lengths, strict=True)])
