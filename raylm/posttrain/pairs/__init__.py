"""Instruction pairs taken from plain documents, which the three post-training stages share.

`kinds.py` names the kinds there are, `functions.py` and `continuations.py` are one each (pure), `table.py` runs one
over a corpus.
"""
