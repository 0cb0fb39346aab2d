"""Discrete events: the real queue, and others, on the same days of the same people.

`python -m generation.simulator` prints who waits how long under which rule, holds the figures
against their targets, and ends with status 1 when one is missed.  Nothing imports this package.
"""
