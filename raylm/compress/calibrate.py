"""The calibration text: a bounded number of windows of the training split, each source in the share of its tokens."""

from raylm.compress.config import CalibrationConfig
from raylm.compress.result import Calibration
from raylm.errors import UserError
from raylm.tokenizer.shards import TokenShards
from raylm.training.feed import Feed


def calibration_text(shards: TokenShards, config: CalibrationConfig, context: int, seed: int) -> Calibration:
    """Draw windows from the training split only; the same for the same shards, config and seed.

    Raises:
        UserError: no source has enough text for one window.
    """
    length = min(config.length, context)
    tokens = {name: splits["train"]["tokens"] for name, splits in shards.index["sources"].items()}
    weights = {name: float(count) for name, count in tokens.items() if count > length}
    if not weights:
        raise UserError(f"compress.calibration.length: no source has {length} tokens of training text in a row; "
                        f"the largest has {max(tokens.values(), default=0)}")
    batch = Feed(shards, weights, length, seed).batch(0, config.windows)
    return Calibration(batch["ids"], batch["documents"])
