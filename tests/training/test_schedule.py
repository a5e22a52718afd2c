"""The schedule's values, and its agreement with Hugging Face's."""

import itertools

import pytest
import torch
from transformers import get_cosine_with_min_lr_schedule_with_warmup

from raylm.training.config import TrainConfig
from raylm.training.schedule import warmup_cosine


def test_warmup_peak_and_end():
    rates = [warmup_cosine(step, 100, 2.0, 10, 0.1) for step in range(100)]
    assert rates[0] == pytest.approx(0.2)
    assert rates[9] == pytest.approx(2.0)
    assert max(rates) == pytest.approx(2.0)
    assert rates[-1] == pytest.approx(0.2)
    assert all(a >= b for a, b in itertools.pairwise(rates[10:]))


def test_the_cosine_is_hugging_faces():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    # Theirs reaches its end one step after the last; ours reaches it at the last.
    schedule = get_cosine_with_min_lr_schedule_with_warmup(optimizer, 10, 99, min_lr_rate=0.1)
    for step in range(10, 100):
        while schedule.last_epoch < step:
            optimizer.step()
            schedule.step()
        assert warmup_cosine(step, 100, 1.0, 10, 0.1) == pytest.approx(schedule.get_last_lr()[0], abs=1e-9)


def test_micro_batches_divide_a_workers_share():
    assert TrainConfig(batch=64, micro_batch=8, workers=2).micro() == 8
    assert TrainConfig(batch=60, micro_batch=8, workers=2).micro() == 6
    assert TrainConfig(batch=2, micro_batch=8, workers=2).micro() == 1
    with pytest.raises(ValueError, match="divides evenly over 3 workers"):
        TrainConfig(batch=64, workers=3)
