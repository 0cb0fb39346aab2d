"""A grammar of scenes: from the facts of a wish, a dialect and a seed, the details that fit."""
