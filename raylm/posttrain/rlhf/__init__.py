"""The rlhf stage: PPO over Ray actors, from an SFT checkpoint and a reward model to an aligned checkpoint.

Read `controller.py` first: the loop (sample, roll out, score, estimate, update, sync) is there and reads from top to bottom.
The mathematics is in `advantages.py`, `losses.py` and `divergence.py`; what runs where is in `group.py` and `roles.py`.
"""
