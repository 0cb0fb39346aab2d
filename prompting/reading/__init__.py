"""What a text says: words, facts, denials, markup, what is declined."""
