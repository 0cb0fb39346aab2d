"""One file per family: a tiny random model of its shape, as folder, as one file and in parts."""
