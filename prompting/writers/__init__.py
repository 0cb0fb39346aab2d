"""Language models behind one port, and what each kind needs."""
