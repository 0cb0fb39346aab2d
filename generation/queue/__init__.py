"""Whose turn it is, and what it will cost.  Pure: clocks and prices are arguments."""
