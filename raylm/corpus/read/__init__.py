"""The read stage: files in, and out of each what later stages decide on: cleaned text, measures, a content hash, a signature."""
