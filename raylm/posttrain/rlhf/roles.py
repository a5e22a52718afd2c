"""The four parts that models play in PPO, as plain classes: actor, critic, frozen reference, reward model.

None knows Ray; `group.py` puts them into processes and the tests call them directly. The actor and the reference compute
log-probabilities by the same code at the same shapes, so that a policy that has not moved has a divergence of exactly zero.
"""

import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from raylm.device import backend, device
from raylm.model.decoder import Decoder
from raylm.model.hf_io import load_config, load_decoder, load_scorer, save_checkpoint
from raylm.model.loss import logprobs
from raylm.model.value import Scorer, at_ends
from raylm.posttrain.rlhf.batch import Rows, answer_tokens, states_at
from raylm.posttrain.rlhf.config import RlhfConfig
from raylm.posttrain.rlhf.divergence import kl_estimate
from raylm.posttrain.rlhf.losses import policy_loss, value_loss
from raylm.storage import Folder
from raylm.training.config import TrainConfig
from raylm.training.engine import full_state, initialize, set_learning_rate, summed, to_device

STATE_TAG = "engine"


def computing_type(choice: str) -> torch.dtype:
    """Return the type that a recipe's `dtype` means here. `auto` is bfloat16 on a GPU only: few CPUs are fast at it, and
    float32 makes rollout and training agree to the last bits.
    """
    if choice == "auto":
        return torch.bfloat16 if backend() == "nccl" else torch.float32
    return torch.bfloat16 if choice == "bfloat16" else torch.float32


class AnswerLogprobs(nn.Module):
    """A decoder that returns the log-probabilities of answers' tokens, with the vocabulary computed at those only."""

    def __init__(self, decoder: Decoder, temperature: float) -> None:
        """Wrap a decoder; its parameters keep their names behind `decoder.`."""
        super().__init__()
        self.decoder = decoder
        self.temperature = temperature

    def forward(self, ids: Tensor, prompt: Tensor, width: int) -> Tensor:
        """Map ids (batch, sequence) and prompt lengths (batch,) to float32 (batch, width)."""
        hidden = self.decoder.hidden(ids)
        places = states_at(prompt, width, ids.shape[1]).unsqueeze(-1).expand(-1, -1, hidden.shape[-1])
        scores = self.decoder.logits(hidden.gather(1, places)).float() / self.temperature
        return logprobs(scores, answer_tokens(ids, prompt, width))


class AnswerValues(nn.Module):
    """A scorer that returns the values of the states before answers' tokens."""

    def __init__(self, scorer: Scorer) -> None:
        """Wrap a scorer. Its head starts from zero: what a reward model's head says in mid-sentence was never trained."""
        super().__init__()
        self.scorer = scorer
        nn.init.zeros_(scorer.score.weight)

    def forward(self, ids: Tensor, prompt: Tensor, width: int) -> Tensor:
        """Map ids (batch, sequence) and prompt lengths (batch,) to float32 (batch, width)."""
        values: Tensor = self.scorer(ids)
        return values.gather(1, states_at(prompt, width, ids.shape[1]))


@torch.no_grad()
def measured(network: Any, rows: Rows, micro_batch: int) -> Tensor:
    """Return what a network of this file says of all rows, (batch, answer) on the CPU, `micro_batch` rows at a time."""
    width = rows["mask"].shape[1]
    parts = []
    for first in range(0, len(rows["ids"]), micro_batch):
        part = to_device({name: rows[name][first:first + micro_batch] for name in ("ids", "prompt")})
        parts.append(network(part["ids"], part["prompt"], width).float().cpu())
    return torch.cat(parts)


class Trained:
    """What actor and critic share: a network under a DeepSpeed engine, exact token means, saved state."""

    def __init__(self, network: nn.Module, config: RlhfConfig, learning_rate: float, workers: int) -> None:
        """Wrap the network. The process group must be up; every worker must do this at the same time."""
        self.config, self.learning_rate, self.workers = config, learning_rate, workers
        training = TrainConfig(
            steps=1, batch=config.minibatch, micro_batch=config.micro_batch, learning_rate=learning_rate, weight_decay=0.0,
            betas=(0.9, 0.95), clip=config.gradient_clip, zero_stage=config.zero_stage, workers=workers,
            precision="bf16" if computing_type(config.dtype) == torch.bfloat16 else "fp32")
        self.micro = training.micro()
        self.engine = initialize(network, training, config.minibatch // workers // self.micro)

    def measure(self, rows: Rows) -> Tensor:
        """Return log-probabilities or values of this worker's rows, (batch, answer)."""
        self.engine.eval()
        return measured(self.engine, rows, self.config.micro_batch)

    def update(self, rows: Rows, tokens: int, step: int, kl_coefficient: float) -> dict[str, float]:
        """Take one optimizer step on this worker's share of a minibatch.

        Args:
            rows: the share, `minibatch / workers` rows.
            tokens: masked-in tokens of the whole minibatch, over all workers.
            step: optimizer steps taken so far, for the warm-up.
            kl_coefficient: weight of the divergence in the loss (actor, placement `loss`).

        Returns:
            Sums over all workers, divided by `tokens`: `loss`, `clipped`, `kl`; `worst` of this worker; `gradient_norm`.
        """
        self.engine.train()
        set_learning_rate(self.engine, self.learning_rate * min(1.0, (step + 1) / max(1, self.config.warmup)))
        accumulation = len(rows["ids"]) // self.micro
        sums = {"loss": 0.0, "clipped": 0.0}
        worst = 0.0
        for first in range(0, len(rows["ids"]), self.micro):
            part = to_device({name: tensor[first:first + self.micro] for name, tensor in rows.items()})
            loss, clipped, largest = self._loss(part, kl_coefficient)
            # DeepSpeed divides by the accumulation and averages over workers: undo both, divide by what is right.
            self.engine.backward(loss * (accumulation * self.workers / max(tokens, 1)))
            self.engine.step()
            sums = {"loss": sums["loss"] + float(loss.detach()), "clipped": sums["clipped"] + float(clipped)}
            worst = max(worst, float(largest))
        totals = summed(list(sums.values()))
        return {**{name: total / max(tokens, 1) for name, total in zip(sums, totals, strict=True)}, "worst": worst,
                "gradient_norm": float(self.engine.get_global_grad_norm() or 0.0)}

    def _loss(self, rows: Rows, kl_coefficient: float) -> tuple[Tensor, Tensor, Tensor]:
        raise NotImplementedError

    def save(self, folder: Folder) -> None:
        """Write this worker's part of the engine's state (weights, moments) into `folder`. Collective."""
        with tempfile.TemporaryDirectory() as local:
            (Path(local) / STATE_TAG).mkdir()
            self.engine.save_checkpoint(local, tag=STATE_TAG, save_latest=False)
            folder.upload(Path(local))

    def restore(self, folder: Folder) -> None:
        """Go on from what `save` wrote with the same number of workers. Collective.

        Never from the cache of `Folder.local`: this folder changes, and DeepSpeed unpickles what it loads.

        Raises:
            RuntimeError: the folder holds no such state.
        """
        with folder.as_it_is_now() as local:
            found, _ = self.engine.load_checkpoint(str(local), tag=STATE_TAG)
        if found is None:  # DeepSpeed only warns, and would train on from the beginning
            raise RuntimeError(f"{folder.uri}: no state of this worker to go on from")


class Actor(Trained):
    """The policy that is trained."""

    def __init__(self, checkpoint: Folder, config: RlhfConfig, workers: int) -> None:
        """Start from a language model's checkpoint."""
        self.origin = checkpoint.local()
        network = AnswerLogprobs(load_decoder(self.origin), config.temperature)
        super().__init__(network, config, config.learning_rate, workers)

    def _loss(self, rows: Rows, kl_coefficient: float) -> tuple[Tensor, Tensor, Tensor]:
        current = self.engine(rows["ids"], rows["prompt"], rows["mask"].shape[1])
        result = policy_loss(current, rows["old"], rows["advantages"], rows["mask"], self.config.clip)
        loss = result.loss
        if self.config.kl.placement == "loss":
            kl = kl_estimate(current, rows["reference"], self.config.kl.estimator)
            loss = loss + kl_coefficient * torch.where(rows["mask"], kl, 0.0).sum()
        return loss, result.clipped, result.worst

    def weights(self) -> dict[str, Tensor]:
        """Return the full weights by checkpoint name in the computing type, on rank 0; nothing elsewhere. Collective."""
        dtype = computing_type(self.config.dtype)
        return {name.removeprefix("decoder."): tensor.to(dtype) for name, tensor in full_state(self.engine).items()}

    def export(self, output: Folder) -> None:
        """Write the policy as a Hugging Face checkpoint with the tokenizer of the one it started from. Collective."""
        state = self.weights()
        if not state:
            return
        with tempfile.TemporaryDirectory() as local:
            save_checkpoint(state, load_config(self.origin), Path(local) / "checkpoint", self.origin)
            output.clear()
            output.upload(Path(local) / "checkpoint")


class Critic(Trained):
    """The value function, grown from the reward model's trunk."""

    def __init__(self, checkpoint: Folder, config: RlhfConfig, workers: int) -> None:
        """Start from a reward model's checkpoint."""
        network = AnswerValues(load_scorer(checkpoint.local()))
        super().__init__(network, config, config.critic_learning_rate, workers)

    def _loss(self, rows: Rows, kl_coefficient: float) -> tuple[Tensor, Tensor, Tensor]:
        current = self.engine(rows["ids"], rows["prompt"], rows["mask"].shape[1])
        result = value_loss(current, rows["values"], rows["returns"], rows["mask"], self.config.value_clip)
        return result.loss, result.clipped, result.worst


class Reference:
    """The policy that PPO started from; it never changes."""

    def __init__(self, checkpoint: Folder, config: RlhfConfig) -> None:
        """Load a language model's checkpoint."""
        decoder = load_decoder(checkpoint.local(), computing_type(config.dtype)).to(device())
        self.network = AnswerLogprobs(decoder, config.temperature).eval()
        self.micro_batch = config.micro_batch

    def measure(self, rows: Rows) -> Tensor:
        """Return log-probabilities (batch, answer) of the rows."""
        return measured(self.network, rows, self.micro_batch)


class RewardModel:
    """The scorer of whole answers."""

    def __init__(self, checkpoint: Folder, config: RlhfConfig) -> None:
        """Load a reward model's checkpoint."""
        self.scorer = load_scorer(checkpoint.local(), computing_type(config.dtype)).to(device()).eval()
        self.micro_batch = config.micro_batch

    @torch.no_grad()
    def score(self, rows: Rows) -> Tensor:
        """Return the score (batch,) of each row, read at its last token: found by its length, never by looking for pads."""
        parts = []
        for first in range(0, len(rows["ids"]), self.micro_batch):
            part = to_device({name: rows[name][first:first + self.micro_batch] for name in ("ids", "prompt", "answer")})
            parts.append(at_ends(self.scorer(part["ids"]), part["prompt"] + part["answer"]).float().cpu())
        return torch.cat(parts)
