"""What is added to a model for one picture, and taken off again."""
