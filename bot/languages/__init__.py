"""What people read, in their language: the English stands in the code, others in `<locale>.po`."""
