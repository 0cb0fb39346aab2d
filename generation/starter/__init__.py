"""The built-in model: its weights, the judge that reads its pictures, and the words it knows."""
