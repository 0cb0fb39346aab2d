"""Measures and audits of what is stored; the bot calls nothing here."""
