"""Networks that are written here: what is trained here and drawn with there is one class."""
