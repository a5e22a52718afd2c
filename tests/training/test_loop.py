"""What the loop makes of sums and failures, without workers."""

import pytest
from torch.distributed import DistNetworkError

from raylm.errors import UserError
from raylm.training.launch import lost_worker
from raylm.training.loop import means
from raylm.training.shown import shown


def test_what_nothing_was_counted_for_is_unknown_not_zero():
    figures = means({"heldout_loss": (0.0, 0.0), "accuracy": (0.0, 4.0), "scored": (12.0, 0.5)})
    assert figures == {"heldout_loss": None, "accuracy": 0.0, "scored": 24.0}
    assert (shown(figures["heldout_loss"]), shown(figures["accuracy"], ".1%")) == ("–", "0.0%")


class WorkerDiedError(Exception):
    """As Ray reports a worker that was killed."""


WorkerDiedError.__module__ = "ray.train.v2._internal.exceptions"
CUT_OFF = RuntimeError("[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:23113")


@pytest.mark.parametrize(("failures", "again"), [
    ({1: WorkerDiedError("killed")}, True),
    ({0: CUT_OFF, 1: WorkerDiedError("killed")}, True),
    ({0: ValueError("collateral"), 1: WorkerDiedError("killed")}, True),
    ({0: CUT_OFF}, True),
    ({0: DistNetworkError("timed out"), 1: ConnectionResetError()}, True),
    ({0: UserError("no text")}, False),
    ({0: CUT_OFF, 1: KeyError("ids")}, False),
    ({0: OSError(28, "No space left on device")}, False),
    ({0: RuntimeError("shape '[2, 3]' is invalid")}, False),
])
def test_only_lost_workers_are_worth_another_try(failures, again):
    assert lost_worker(failures) is again
