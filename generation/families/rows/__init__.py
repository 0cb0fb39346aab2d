"""One file per architecture: the rows of its families."""
