"""The score stage: trains the recipe's models and asks them about every document that was read."""
