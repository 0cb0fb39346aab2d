"""Measures of what is drawn, for tests and documents; used by nobody who draws."""
