"""Measures the worker, and is used by nobody."""
