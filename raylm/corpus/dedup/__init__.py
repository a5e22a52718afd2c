"""Finding documents that are the same, or nearly: pure functions over arrays. `raylm/corpus/duplicates.py` runs them on Ray."""
