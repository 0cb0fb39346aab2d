"""Which models are at hand, what they take, and which gives way."""
