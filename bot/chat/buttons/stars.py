"""⭐: a picture that somebody likes best.  The message counts; the presser alone is told."""

from __future__ import annotations

from typing import Any

import discord

from bot.chat.answers import whisper
from bot.chat.askers import asker_of
from bot.chat.buttons.picking import about
from bot.chat.buttons.picture_button import NUMBERS, PictureButton
from bot.languages.speaking import mark
from bot.pages import replies
from bot.studio.studio import Studio

Interaction = discord.Interaction[Any]


class Star(PictureButton, template=rf"atelier:star:{NUMBERS}"):
    """⭐, under a result."""

    label, emoji, action = mark("Star"), "⭐", "star"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """Keep the picture among one's favourites, or take it off."""
        picture = (await self.shown(interaction, studio)).id
        asker, message = asker_of(interaction), interaction.message
        assert message is not None  # whoever was heard pressed it in one
        starred = await studio.stars.toggle(asker, picture)
        view = about(message, picture, stars=starred.stars)
        await interaction.response.edit_message(view=view)
        [now] = await studio.stars.stars(asker, [picture])
        if now != starred.stars:
            # Somebody else's edit may have come before ours, with more stars on it.
            view = about(message, picture, stars=now)
            await interaction.edit_original_response(view=view)
        await whisper(interaction, replies.starred(picture, mine=starred.mine))
