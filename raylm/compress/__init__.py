"""Compression of a trained checkpoint: a chain of passes, each one file under `passes/`, into a folder that vLLM loads unmodified."""
