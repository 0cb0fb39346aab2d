"""/import: what a file of any program says of how a picture was made."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bot.chat.buttons.importing import show_brief

Interaction = discord.Interaction[Any]


@app_commands.command(
    name="import",
    description="What a picture, workflow or text of another program says, and what of it is here",
)
@app_commands.describe(file="A picture, a clip, a .json or .txt of A1111, ComfyUI, SwarmUI, ...")
async def import_(interaction: Interaction, file: discord.Attachment) -> None:
    """Show the card, with a button that draws it."""
    await show_brief(interaction, file)
