"""What says in words what a picture shows: a file for each kind of network, and their table."""
