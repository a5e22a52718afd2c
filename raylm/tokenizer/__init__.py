"""The tokenizer: learned from a sample of the corpus, extended or taken from elsewhere, then applied to all of it on Ray Data.

Other stages use `text.Tokenizer`, `shards.TokenShards` and `split.is_held_out`; the rest builds them. `kinds` are the ways to
learn one, `backends` the libraries that cut text.
"""
