"""Which weights lie on this disk, and what each is, told from its tensors."""
