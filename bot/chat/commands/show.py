"""/show: a picture by its number, with what can be done with it and how it came about."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bot.chat.askers import asker_of, studio_of
from bot.chat.buttons.card import whisper_picture
from bot.chat.commands import choices
from bot.chat.commands.sources import WHICH, Named, named

Interaction = discord.Interaction[Any]


@app_commands.command(
    name="show", description="A picture again, and how it came about step by step"
)
@app_commands.describe(picture=WHICH)
@app_commands.autocomplete(picture=choices.pictures)
async def show(interaction: Interaction, picture: Named) -> None:
    """For the one who asks, with the buttons of a result."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    studio = studio_of(interaction)
    await whisper_picture(interaction, await named(picture, studio, asker_of(interaction)))
