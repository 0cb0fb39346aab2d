"""Files that carry their recipe, and pictures that people send.  No torch: the bot reads them."""
