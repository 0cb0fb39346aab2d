"""Carries out what the queue says: seats, transitions, what was drawn is kept."""
