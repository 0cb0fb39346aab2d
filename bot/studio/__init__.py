"""What people can do here, without Discord: ask, find again, delete."""
