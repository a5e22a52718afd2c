"""The steps of a corpus: what each is, and how they run. `registry.py` lists them."""
