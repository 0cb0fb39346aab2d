"""Measures the prompt assistant, and is used by nobody."""
