"""The programs that teach a checkpoint something small: LoRAs, words, subjects, a ControlNet.

`python -m generation.training KIND --help` says what each needs; docs/training.md tells the rest.
"""
