"""Looking at a network while text runs through it: the range of every layer's input, the error of every replacement.

Windows go through one batch at a time and only running figures are kept, so memory does not grow with the text.
"""

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn

from raylm.compress.ranges import BINS, range_by_error
from raylm.compress.result import Calibration
from raylm.model.decoder import Decoder

BATCH = 8
ERROR_WINDOWS = 16


@torch.inference_mode()
def watch(decoder: Decoder, layers: Mapping[str, nn.Module], calibration: Calibration,
          look: Callable[[str, Tensor, Tensor], None], limit: int | None = None) -> None:
    """Run the text through the network and call `look(name, input, output)` for each of `layers` at every batch."""
    hooks = [layer.register_forward_hook(_reporter(name, look)) for name, layer in layers.items()]
    try:
        for ids, documents in batches(calibration, limit):
            decoder.hidden(ids, documents)
    finally:
        for hook in hooks:
            hook.remove()


def batches(calibration: Calibration, limit: int | None = None) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (ids, documents) of a few windows at a time, of the first `limit` windows or all."""
    count = len(calibration.ids) if limit is None else min(limit, len(calibration.ids))
    for first in range(0, count, BATCH):
        last = min(first + BATCH, count)
        yield calibration.ids[first:last], calibration.documents[first:last]


def _reporter(name: str, look: Callable[[str, Tensor, Tensor], None]) -> Callable[..., None]:
    def report(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        look(name, inputs[0], output)

    return report


def input_ranges(decoder: Decoder, layers: Mapping[str, nn.Module], calibration: Calibration,
                 observer: str) -> dict[str, float]:
    """Return the magnitude up to which each layer's input is to be represented.

    `minmax` is the largest magnitude seen. `mse` is the range with the least squared rounding error over a histogram of the
    magnitudes, which takes a second pass: the first finds where the histogram must end.
    """
    largest = dict.fromkeys(layers, 0.0)

    def widen(name: str, x: Tensor, _: Tensor) -> None:
        largest[name] = max(largest[name], float(x.abs().max()))

    watch(decoder, layers, calibration, widen)
    if observer == "minmax":
        return largest
    histograms = {name: torch.zeros(BINS, dtype=torch.float64) for name in layers}

    def count(name: str, x: Tensor, _: Tensor) -> None:
        histograms[name] += torch.histc(x.abs().float(), bins=BINS, min=0.0, max=max(largest[name], 1e-12)).double()

    watch(decoder, layers, calibration, count)
    return {name: range_by_error(histograms[name], largest[name]) for name in layers}


def output_errors(decoder: Decoder, layers: Mapping[str, nn.Module], replaced: Mapping[str, nn.Module],
                  calibration: Calibration) -> dict[str, float]:
    """Return ||new(x) - old(x)|| / ||old(x)|| of each layer on the inputs that it sees in the uncompressed network."""
    wrong, total = dict.fromkeys(layers, 0.0), dict.fromkeys(layers, 0.0)

    def compare(name: str, x: Tensor, output: Tensor) -> None:
        wrong[name] += float((replaced[name](x) - output).square().sum())
        total[name] += float(output.square().sum())

    watch(decoder, layers, calibration, compare, ERROR_WINDOWS)
    return {name: (wrong[name] / max(total[name], 1e-24)) ** 0.5 for name in layers}


@torch.inference_mode()
def divergence(before: Decoder, after: Decoder, calibration: Calibration) -> dict[str, float]:
    """Return the loss of two networks on the first windows and the mean KL from the first to the second, nats per token."""
    sums = torch.zeros(3, dtype=torch.float64)
    tokens = 0
    for ids, documents in batches(calibration, ERROR_WINDOWS):
        inside = documents[:, 1:] == documents[:, :-1]  # the first token of a document follows from nothing
        old = torch.log_softmax(before(ids, documents)[:, :-1][inside].float(), dim=-1)
        new = torch.log_softmax(after(ids, documents)[:, :-1][inside].float(), dim=-1)
        labels = ids[:, 1:][inside].unsqueeze(1)
        kl = (old.exp() * (old - new)).sum()
        sums += torch.stack([-old.gather(1, labels).sum(), -new.gather(1, labels).sum(), kl]).double()
        tokens += len(labels)
    return dict(zip(("loss_before", "loss_after", "kl"), (sums / max(tokens, 1)).tolist(), strict=True))
