"""💾: the settings of a picture, to be kept by a name."""

from __future__ import annotations

from typing import Any

import discord

from bot.chat.buttons.forms.presetting import preset_form
from bot.chat.buttons.picture_button import NUMBERS, PictureButton
from bot.languages.speaking import mark
from bot.studio.studio import Studio

Interaction = discord.Interaction[Any]


class SavePreset(PictureButton, template=rf"atelier:preset:{NUMBERS}"):
    """💾, under a result."""

    label, emoji, action = mark("Save as preset"), "💾", "preset"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """A form that asks for its name."""
        picture = await self.shown(interaction, studio)
        await interaction.response.send_modal(preset_form(picture))
