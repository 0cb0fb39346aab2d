"""Remembers: the only package that speaks SQL and the only one that keeps files."""
