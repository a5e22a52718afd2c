"""The data mix: proxy models trained on different source weights (Ray Tune), a law fitted to their losses, the weights it picks."""
