"""Finds words, and knows nobody: no Discord, no database, no pictures."""
