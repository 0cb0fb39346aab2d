"""Proofs by meaning: what the programs of `generation.training` teach the starter, and its judges.

docs/training.md has the commands and what they measured.
"""
