"""Makes pictures, and knows nobody: no Discord, no database, no prompt assistant."""
