"""The network: a Llama-shaped decoder, its value-head sibling, generation, and the Hugging Face form of both."""
