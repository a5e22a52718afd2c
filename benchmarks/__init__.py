"""raylm measured against its peers: the same work on the same data and cores in one process tree. See `harness.py`."""
