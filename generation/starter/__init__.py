"""The built-in model: its weights (`model/`) and the offline program that trained them.

Of all this the running bot imports `words` alone, to say what the model never saw.
`python -m generation.starter.train --help` lists the stages, `python -m
generation.starter.evaluate` measures the result.
"""
