"""Talks to people, and introduces the other packages to each other."""
