"""One file per architecture: the only place that knows how its networks draw."""
