"""The sft stage: supervised fine-tuning on instruction pairs taken from the corpus, with loss on the answers only.

`build.py` is the stage from top to bottom; `packing.py` and `windows.py` make the training data, `task.py` is what is
trained.
"""
