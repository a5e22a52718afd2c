"""Compression of a trained checkpoint: passes (one file each, under `passes/`) make a folder that vLLM loads unmodified."""
