"""The commands, one file per family; `tree` lists them."""
