"""From words to what a model is conditioned on."""
