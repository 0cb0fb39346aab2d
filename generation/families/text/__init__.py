"""The language models that architectures read words with: their classes and tensors."""
