"""The reward stage: a model that scores answers, trained on pairs of a right and a wrong one.

`draw.py` makes the preferences, `table.py` writes them for a whole corpus, `task.py` is what is trained, `build.py` the stage.
"""
