"""Pretraining: the network learns the text, in the sources' shares that the mix stage found."""
