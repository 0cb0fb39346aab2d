"""The built-in model: its weights (`model/`) and the offline program that trained them.

Nothing here is imported by the running bot. `python -m generation.starter.train --help` lists the
stages, `python -m generation.starter.evaluate` measures the result.
"""
