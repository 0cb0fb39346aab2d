"""The offline program that trained the built-in model for instructions.

`python -m generation.training.editor.train --help` lists the stages, `python -m
generation.training.editor.evaluate` measures the result.
"""
