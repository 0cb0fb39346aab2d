"""Trains and measures the built-in video model: a small Wan of our own.

python -m generation.training.film.train all
"""
