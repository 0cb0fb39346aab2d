"""Everything that knows discord: what people say and press, and what they are answered."""
