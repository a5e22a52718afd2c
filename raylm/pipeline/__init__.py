"""The chain: which stages there are, how a recipe becomes artifacts, and what a person sees of it."""
