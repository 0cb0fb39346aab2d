"""Which tensors networks have, from their configs: one file per network."""
