"""Taking a result away, and bringing it back within the minute."""

from __future__ import annotations

from typing import Any

import discord

from bot.chat.answers import whisper, whisper_about
from bot.chat.askers import asker_of
from bot.chat.buttons.request_button import RequestButton
from bot.chat.showing_again import take_away
from bot.languages.speaking import mark, tr
from bot.pages import replies
from bot.studio.studio import Studio
from storage.tickets import RequestId

Interaction = discord.Interaction[Any]


class Delete(RequestButton, template=r"atelier:delete:(?P<request>.*)"):
    """🗑, under a result."""

    label, emoji, action = mark("Delete"), "🗑️", "delete"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """Take the message away, and the files in a minute; the recipe stays."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        until = await take_away(
            interaction.client,
            interaction.message,
            self.request,
            studio,
            asker_of(interaction),
        )
        if until is None:
            await whisper(interaction, tr(replies.DELETED_BEFORE))
            return
        await whisper_about(
            interaction, self.request, replies.deleted(until), undo_view(self.request)
        )


class Undo(RequestButton, template=r"atelier:undo:(?P<request>.*)"):
    """↩️, in the answer to whoever has deleted something."""

    label, emoji, action = mark("Undo"), "↩️", "undo"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """Bring back what the same person has just deleted."""
        await interaction.response.defer()
        await studio.gallery.restore(asker_of(interaction), self.request)
        await interaction.edit_original_response(content=tr(replies.RESTORED), view=None)


def undo_view(request: RequestId) -> discord.ui.View:
    """The button under the answer to whoever has deleted something."""
    view = discord.ui.View(timeout=None)
    view.add_item(Undo(request))
    return view
