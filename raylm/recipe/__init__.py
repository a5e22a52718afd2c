"""The recipe file: its typed sections and how it is read. See `section.py` and `reading.py`."""
