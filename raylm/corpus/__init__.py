"""The corpus stage: files in, clean documents out, and a recorded reason for every document that was removed."""
