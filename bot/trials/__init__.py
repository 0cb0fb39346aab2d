"""Measures the bot, and is used by nobody: bench, soak, the benefit of assistance."""
