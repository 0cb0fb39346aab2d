"""Seen uploads: what came with the messages whose menu somebody has opened a form from.

Discord hands such a message over whole, and may hand it over no second time without the privileged
intent.  After a restart the message is looked up; where nothing is seen in it then, the form's
words come back with a sentence.
"""

from __future__ import annotations

import discord

from bot.chat.intake import Attachments, found_in

MOST = 500  # messages, of which the oldest goes


class SeenUploads:
    """By the message that they came with."""

    def __init__(self) -> None:
        self._seen: dict[int, Attachments] = {}

    def keep(self, message: discord.Message) -> Attachments:
        """What came with the message, remembered."""
        found = self._seen[message.id] = found_in(message)
        if len(self._seen) > MOST:
            del self._seen[next(iter(self._seen))]
        return found

    def of(self, message: int) -> Attachments | None:
        """What came with that message, if its menu was opened in this life."""
        return self._seen.get(message)
