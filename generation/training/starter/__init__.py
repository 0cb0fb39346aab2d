"""The offline program that trained the built-in model.

`python -m generation.training.starter.train --help` lists the stages, `python -m
generation.training.starter.evaluate` measures the result.
"""
