"""The tokenizer: learned from a sample of the corpus with SentencePiece, then applied to all of it on Ray Data.

Other stages use `text.Tokenizer`, `shards.TokenShards` and `split.is_held_out`; the rest builds them.
"""
