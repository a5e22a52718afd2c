"""Training that pretraining, fine-tuning and the reward model share: DeepSpeed ZeRO in Ray Train workers.

`task.py` says what is trained, `config.py` how, `loop.py` is the loop that each worker runs, `launch.py` starts the workers,
`checkpoints.py` knows where a stopped run goes on.
`engine.py` (DeepSpeed) serves the RLHF actors too; `feed.py` turns token shards into training windows.
"""
