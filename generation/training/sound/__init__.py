"""The offline program that trained the built-in sound model.

`python -m generation.training.sound.train --help` lists the stages, `python -m
generation.training.sound.evaluate` measures the result.
"""
