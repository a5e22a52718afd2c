"""Post-training: supervised tuning, a reward model, reinforcement learning, and the pairs that the three share."""
