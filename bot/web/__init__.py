"""The bot's own pages in a browser: off unless the owner wants them, and behind signed links."""
