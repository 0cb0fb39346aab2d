"""How things are said: dialects, styles, negatives, captions."""
