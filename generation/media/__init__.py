"""Files that people send and that carry their recipe.  No torch: the bot reads them too."""
