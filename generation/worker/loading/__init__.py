"""From files to the parts of a model, without any network."""
