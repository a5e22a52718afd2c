"""Finding documents and pieces of text that are the same, or nearly: pure functions over arrays, and beside them what runs them on
Ray for the steps of that name in `raylm/corpus/steps`."""
