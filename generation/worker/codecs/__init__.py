"""Pixels to latents and back, and the small picture in between."""
