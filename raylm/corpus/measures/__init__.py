"""Figures of documents that rules decide by, one family a file; each is a `Measure`."""
